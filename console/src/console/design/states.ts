import type { ExecutionState } from "../generated/graphql";

/** All states, in the order of the schema. */
export const STATES: readonly ExecutionState[] = [
  "INPROGRESS",
  "FINISHED",
  "ERROR",
  "TERMINATED",
  "TIMEOUT",
  "STOPPED",
];

const WORDS: Record<ExecutionState, string> = {
  INPROGRESS: "In progress",
  FINISHED: "Finished",
  ERROR: "Error",
  TERMINATED: "Terminated",
  TIMEOUT: "Timeout",
  STOPPED: "Stopped",
};

/** The word for a state. */
export function wordOf(state: ExecutionState): string {
  return WORDS[state];
}

/** The colour of a state, as CSS. */
export function colourOf(state: ExecutionState): string {
  return `var(--state-${state.toLowerCase()})`;
}
