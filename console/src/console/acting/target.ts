import type { ExecutionFilter } from "../generated/graphql";
import { filterOf, type Selection } from "../list/selection";

/** Which executions something is to be done with: those which were chosen, or all that match. */
export type Target = {
  /** How many they were when they were chosen. */
  count: number;
} & ({ kind: "chosen"; guids: readonly string[] } | { kind: "all"; filter: ExecutionFilter });

/** These executions. */
export function targetOf(guids: Iterable<string>): Target {
  const all = [...guids];
  return { kind: "chosen", guids: all, count: all.length };
}

/** What is selected; null if nothing is. */
export function targetOfSelection(selection: Selection): Target | null {
  if (selection.kind === "none") return null;
  if (selection.kind === "some") return targetOf(selection.guids);
  return { kind: "all", filter: filterOf(selection), count: selection.total };
}
