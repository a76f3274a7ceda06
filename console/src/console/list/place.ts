import type { Place } from "./snapshot";

/** The place that was kept with this step of the browser's history, to come back to. */
export function keptPlace(): Place | null {
  const kept = stateOf().place;
  if (typeof kept !== "object" || kept === null) return null;
  const { cursor, position } = kept as Partial<Record<keyof Place, unknown>>;
  return typeof cursor === "string" && typeof position === "number" ? { cursor, position } : null;
}

/** Keep a place with this step of the history. */
export function keepPlace(place: Place | null): void {
  history.replaceState({ ...stateOf(), place }, "");
}

function stateOf(): { place?: unknown } {
  const state: unknown = history.state;
  return typeof state === "object" && state !== null ? state : {};
}
