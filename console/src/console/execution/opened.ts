import { graphql } from "../generated/gql";
import type { OpenedExecutionQuery, OpenedFragment } from "../generated/graphql";
import type { Refusal } from "../gateway";
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

/** An execution that is open, as far as it was loaded. */
export interface State {
  guid: string;
  execution: Known | null;
  /** Whether it is there; one that was deleted stays as it was last. */
  standing: "unknown" | "there" | "missing" | "deleted";
  /** How often it has changed since it was opened. */
  changes: number;
  refusal: Refusal | null;
}

/** Nothing is known of an execution before it is loaded. */
export function unknown(guid: string): State {
  return { guid, execution: null, standing: "unknown", changes: 0, refusal: null };
}

/** The execution as it was found. It may have changed since it was found before. */
export function found(before: State, guid: string, { execution }: OpenedExecutionQuery): State {
  const isFirst = before.guid !== guid || before.standing === "unknown";
  return {
    guid,
    execution,
    standing: execution ? "there" : "missing",
    changes: isFirst ? 0 : before.changes + 1,
    refusal: null,
  };
}

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
