import { graphql } from "../generated/gql";
import type { ExecutionFilter } from "../generated/graphql";
import type { Gateway } from "../gateway";
import { all, NO_SELECTION, type Selection } from "./selection";

const EVERYTHING = graphql(`
  query Everything($filter: ExecutionFilter) {
    executions(filter: $filter, orderBy: [{ field: UPDATED_ON }], first: 1) {
      totalCount
      nodes {
        updatedOn
      }
    }
  }
`);

/** All executions that match a filter now, as a selection. Rejects with Refused. */
export async function everything(
  gateway: Gateway,
  filter: ExecutionFilter | null,
): Promise<Selection> {
  const { executions } = await gateway.query(EVERYTHING, { filter });
  const [last] = executions.nodes;
  return last ? all(filter, executions.totalCount, last.updatedOn) : NO_SELECTION;
}
