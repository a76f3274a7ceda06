import { graphql } from "../generated/gql";
import type {
  ExecutionFilter,
  ExecutionState,
  MetFragment,
  StoodFragment,
  UpdateExecutionInput,
} from "../generated/graphql";
import { Amount, type Gateway, MOST_AT_ONCE } from "../gateway";

graphql(`
  fragment Stood on Execution {
    guid
    state
    agentflowId
    agentflowName
  }
`);

graphql(`
  fragment Met on Execution {
    ...Stood
    updatedOn
  }
`);

const STATES = graphql(`
  query StatesToAct($filter: ExecutionFilter) {
    executionStats(filter: $filter) {
      byState {
        state
        count
      }
    }
  }
`);

// Nothing that happens to an execution changes its place in this order.
const PAGE = graphql(`
  query ExecutionsToAct($filter: ExecutionFilter, $first: Int!, $after: String) {
    executions(filter: $filter, first: $first, after: $after) {
      nodes {
        ...Met
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const WOULD_UPDATE = graphql(`
  mutation WouldUpdate($filter: ExecutionFilter!, $input: UpdateExecutionInput!) {
    updateExecutionsMatching(filter: $filter, input: $input, dryRun: true) {
      affected
    }
  }
`);

const WOULD_DELETE = graphql(`
  mutation WouldDelete($filter: ExecutionFilter!) {
    deleteExecutionsMatching(filter: $filter, dryRun: true) {
      affected
    }
  }
`);

const UPDATE = graphql(`
  mutation UpdateChosen($guids: [ID!]!, $input: UpdateExecutionInput!) {
    updateExecutions(guids: $guids, input: $input) {
      executions {
        guid
      }
      notFound
      conflicts {
        ...Stood
      }
    }
  }
`);

const UPDATE_MATCHING = graphql(`
  mutation UpdateMatching($filter: ExecutionFilter!, $input: UpdateExecutionInput!, $limit: Int!) {
    updateExecutionsMatching(filter: $filter, input: $input, limit: $limit) {
      affected
      hasMore
    }
  }
`);

const DELETE_MATCHING = graphql(`
  mutation DeleteMatching($filter: ExecutionFilter!, $limit: Int!) {
    deleteExecutionsMatching(filter: $filter, limit: $limit) {
      affected
      hasMore
    }
  }
`);

/** Some executions, newest first. */
export interface Page {
  rows: readonly MetFragment[];
  /** Where to go on; null at the end. */
  cursor: string | null;
}

/** What an update of named executions came to. */
export interface Batch {
  changed: readonly string[];
  /** How many are gone. */
  missing: number;
  /** Those that are in another state than expected, as they are now. */
  conflicts: readonly StoodFragment[];
}

/** How far all that match a filter are done. */
export interface Portion {
  affected: number;
  hasMore: boolean;
}

/** A change of state; null deletes. */
export type Change = UpdateExecutionInput | null;

/** What the gateway is asked for in order to act. Everything rejects with Refused. */
export interface Acts {
  /** How many rows a page has at most, and how many guids are named at most. */
  readonly rowsAtOnce: Amount;
  readonly guidsAtOnce: Amount;
  /** How many match a filter, in each state. */
  states(filter: ExecutionFilter, signal?: AbortSignal): Promise<Map<ExecutionState, number>>;
  /** How many a change of all that match would affect. */
  dryRun(filter: ExecutionFilter, change: Change, signal?: AbortSignal): Promise<number>;
  page(
    filter: ExecutionFilter,
    first: number,
    after: string | null,
    signal?: AbortSignal,
  ): Promise<Page>;
  update(guids: readonly string[], change: UpdateExecutionInput): Promise<Batch>;
  matching(filter: ExecutionFilter, change: Change, limit: number): Promise<Portion>;
}

/** The acts of a gateway. */
export function actsOf(gateway: Gateway): Acts {
  return {
    rowsAtOnce: new Amount(MOST_AT_ONCE),
    guidsAtOnce: new Amount(MOST_AT_ONCE),
    async states(filter, signal) {
      const { executionStats } = await gateway.query(STATES, { filter }, { signal });
      return new Map(executionStats.byState.map(({ state, count }) => [state, count]));
    },
    async dryRun(filter, change, signal) {
      if (change) {
        const given = { filter, input: change };
        const answer = await gateway.mutate(WOULD_UPDATE, given, { signal });
        return done(answer.updateExecutionsMatching).affected;
      }
      const answer = await gateway.mutate(WOULD_DELETE, { filter }, { signal });
      return done(answer.deleteExecutionsMatching).affected;
    },
    async page(filter, first, after, signal) {
      const { executions } = await gateway.query(PAGE, { filter, first, after }, { signal });
      const { hasNextPage, endCursor } = executions.pageInfo;
      return { rows: executions.nodes, cursor: hasNextPage ? endCursor : null };
    },
    async update(guids, change) {
      const answer = done(
        (await gateway.mutate(UPDATE, { guids, input: change })).updateExecutions,
      );
      return {
        changed: answer.executions.map(({ guid }) => guid),
        missing: answer.notFound.length,
        conflicts: answer.conflicts,
      };
    },
    async matching(filter, change, limit) {
      return change
        ? done(
            (await gateway.mutate(UPDATE_MATCHING, { filter, input: change, limit }))
              .updateExecutionsMatching,
          )
        : done((await gateway.mutate(DELETE_MATCHING, { filter, limit })).deleteExecutionsMatching);
    },
  };
}

/** What was done; where there is nothing, the gateway has refused, which rejects before. */
function done<Answer>(answer: Answer | null): Answer {
  if (answer === null) throw new Error("The gateway did not say what it has done");
  return answer;
}
