import { useAddress } from "../address";
import { type Formats, formatsFor } from "./formats";
import { readersZone } from "./zone";

/** The time zone that the page shows: the reader's, or UTC. */
export function useZone(): string {
  return useAddress().isUtc ? "UTC" : readersZone();
}

/** Writes numbers and times in the reader's locale, and in the zone that the page shows. */
export function useFormats(): Formats {
  return formatsIn(useZone(), navigator.languages);
}

const made = new Map<string, Formats>();

// Making them takes a browser longer than drawing a row that needs them.
function formatsIn(zone: string, languages: readonly string[]): Formats {
  const key = `${zone} ${languages.join()}`;
  const formats = made.get(key) ?? formatsFor([...languages], zone);
  made.set(key, formats);
  return formats;
}
