import { graphql } from "../generated/gql";
import type { OpenedFragment } from "../generated/graphql";
import type { Row } from "../list/row";

graphql(`
  fragment Opened on Execution {
    ...Listed
    databaseId
    finishedOn
    workspaceId
    error
  }
`);

/** An execution and the place among all changes at which it was read. */
export const OPENED = graphql(`
  query OpenedExecution($guid: ID!) {
    eventCursor
    execution(guid: $guid) {
      ...Opened
    }
  }
`);

/** What becomes of an execution, from a place among all changes on. */
export const CHANGES = graphql(`
  subscription OpenedChanges($guid: ID!, $after: String) {
    executionEvents(filter: { guid: { eq: $guid } }, after: $after) {
      cursor
      type
      execution {
        ...Opened
      }
    }
  }
`);

/** What is known of the execution that is open; the list knows less than all of it. */
export type Known = Omit<OpenedFragment, "databaseId" | "workspaceId" | "error"> &
  Partial<Pick<OpenedFragment, "databaseId" | "workspaceId" | "error">>;

/** What the list knows of an execution. */
export function knownOf({ guid, state, ...row }: Row): Known {
  const { agentflowId, agentflowName, sessionId, createdOn, updatedOn, durationMs } = row;
  const end = durationMs === null ? null : Date.parse(createdOn) + durationMs;
  return {
    guid,
    state,
    agentflowId,
    agentflowName,
    sessionId,
    createdOn,
    updatedOn,
    durationMs,
    finishedOn: end === null ? null : new Date(end).toISOString(),
  };
}
