import { graphql } from "../generated/gql";
import type {
  ExecutionFilter,
  ExecutionState,
  StoodFragment,
  UpdateExecutionInput,
} from "../generated/graphql";
import type { Gateway } from "../gateway";

graphql(`
  fragment Stood on Execution {
    guid
    state
    agentflowId
    agentflowName
  }
`);

const STATES = graphql(`
  query StatesToAct($filter: ExecutionFilter) {
    executionStats(filter: $filter) {
      totalCount
      byState {
        state
        count
      }
    }
  }
`);

const GUIDS = graphql(`
  query GuidsToAct($filter: ExecutionFilter, $first: Int!, $after: String) {
    executions(filter: $filter, first: $first, after: $after) {
      nodes {
        guid
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

const DELETE = graphql(`
  mutation DeleteChosen($guids: [ID!]!) {
    deleteExecutions(guids: $guids) {
      deleted
      notFound
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

/** What a batch of named executions came to. */
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
  /** How many match a filter, in each state. */
  states(filter: ExecutionFilter): Promise<ReadonlyMap<ExecutionState, number>>;
  /** How many a change of all that match would affect. */
  dryRun(filter: ExecutionFilter, change: Change): Promise<number>;
  /** The guids of all that match. */
  guids(filter: ExecutionFilter): Promise<string[]>;
  chosen(guids: readonly string[], change: Change): Promise<Batch>;
  matching(filter: ExecutionFilter, change: Change, limit: number): Promise<Portion>;
}

const PAGE = 1_000;

/** The acts of a gateway. */
export function actsOf(gateway: Gateway): Acts {
  return {
    async states(filter) {
      const { executionStats } = await gateway.query(STATES, { filter });
      return new Map(executionStats.byState.map(({ state, count }) => [state, count]));
    },
    async dryRun(filter, change) {
      const { affected } = change
        ? done(
            (await gateway.mutate(WOULD_UPDATE, { filter, input: change }))
              .updateExecutionsMatching,
          )
        : done((await gateway.mutate(WOULD_DELETE, { filter })).deleteExecutionsMatching);
      return affected;
    },
    async guids(filter) {
      const found: string[] = [];
      let after: string | null = null;
      do {
        const variables: { filter: ExecutionFilter; first: number; after: string | null } = {
          filter,
          first: PAGE,
          after,
        };
        const { executions } = await gateway.query(GUIDS, variables);
        found.push(...executions.nodes.map(({ guid }) => guid));
        after = executions.pageInfo.hasNextPage ? executions.pageInfo.endCursor : null;
      } while (after !== null);
      return found;
    },
    async chosen(guids, change) {
      if (!change) {
        const answer = done((await gateway.mutate(DELETE, { guids })).deleteExecutions);
        return { changed: answer.deleted, missing: answer.notFound.length, conflicts: [] };
      }
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
