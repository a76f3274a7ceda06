import { graphql } from "../generated/gql";
import type { ListedFragment } from "../generated/graphql";

graphql(`
  fragment Listed on Execution {
    guid
    state
    agentflowId
    agentflowName
    sessionId
    createdOn
    updatedOn
    durationMs
  }
`);

/** An execution in the list. A change makes another object of it. */
export interface Row extends ListedFragment {
  /** Where it is in the order; null for one that came by an event. */
  cursor: string | null;
  /** Whether it still is what was asked for. One that is not stays until the list is left. */
  standing: "matches" | "left" | "deleted";
}
