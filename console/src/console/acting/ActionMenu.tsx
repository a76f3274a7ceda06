import type { ExecutionState } from "../generated/graphql";

/** What can be done with one execution. */
export function ActionMenu(_: { guid: string; state: ExecutionState }) {
  return null;
}
