import { useMemo } from "react";

import { useAddress } from "../address";
import { type Formats, formatsFor } from "./formats";
import { readersZone } from "./zone";

/** The time zone that the page shows: the reader's, or UTC. */
export function useZone(): string {
  return useAddress().isUtc ? "UTC" : readersZone();
}

/** Writes numbers and times in the reader's locale, and in the zone that the page shows. */
export function useFormats(): Formats {
  const zone = useZone();
  return useMemo(() => formatsFor([...navigator.languages], zone), [zone]);
}
