import type { Place } from "./snapshot";
import type { Window } from "./window";

/** The place where an index is the first that is seen; null at the beginning of the list. */
export function placeAt(window: Window, first: number): Place | null {
  if (first + window.lead === 0) return null;
  // Where the row above it is not there yet, it is better to be off by one than at the beginning.
  const at = Math.max(first - window.start, 1);
  const above = window.rows[at - 1];
  if (!above) return null;
  return { guid: above.guid, cursor: above.cursor, position: window.lead + window.start + at };
}

/** The same in a space that stays as it is; at the beginning, all but the first row. */
export function placeThatStays(window: Window, first: number): Place | null {
  const at = Math.max(first - window.start, 1);
  const above = window.rows[at - 1];
  if (!above) return null;
  const index = window.start + at;
  return { guid: above.guid, cursor: above.cursor, position: window.lead + index, index };
}

/** The place that was kept with this step of the browser's history, to come back to. */
export function keptPlace(): Place | null {
  const kept = stateOf().place;
  if (typeof kept !== "object" || kept === null) return null;
  const { guid, cursor, position } = kept as Partial<Record<keyof Place, unknown>>;
  const isCursor = typeof cursor === "string" || cursor === null;
  if (typeof guid !== "string" || !isCursor || typeof position !== "number") return null;
  return { guid, cursor, position };
}

/** Keep a place with this step of the history. */
export function keepPlace(place: Place | null): void {
  history.replaceState({ ...stateOf(), place }, "");
}

function stateOf(): { place?: unknown } {
  const state: unknown = history.state;
  return typeof state === "object" && state !== null ? state : {};
}
