import type { ExecutionFilter } from "../generated/graphql";
import { filterOf, type Selection } from "../list/selection";

/** Which executions something is to be done with. What it names does not change any more. */
export interface Target {
  /** Filters that no execution matches two of; the gateway takes only so many guids in one. */
  filters: readonly ExecutionFilter[];
  /** The guids, if they were chosen one by one. */
  guids: readonly string[] | null;
  /** How many they were when they were chosen. */
  count: number;
  /** When it was said that it is all that match; null if they were chosen one by one. */
  asOf: Date | null;
}

/** Half of what the gateway takes by default. */
const GUIDS_AT_ONCE = 5_000;

/** These executions. */
export function targetOf(guids: Iterable<string>): Target {
  const all = [...guids];
  const filters = chunksOf(all, GUIDS_AT_ONCE).map((chunk) => ({ guid: { in: chunk } }));
  return { filters, guids: all, count: all.length, asOf: null };
}

/** What is selected; null if nothing is. */
export function targetOfSelection(selection: Selection): Target | null {
  if (selection.kind === "none") return null;
  if (selection.kind === "some") return targetOf(selection.guids);
  const { total, asOf } = selection;
  return { filters: [filterOf(selection)], guids: null, count: total, asOf };
}

/** A list in parts of at most so many. */
export function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}
