import type { ExecutionFilter, ExecutionState } from "../generated/graphql";
import { type Action, ACTIONS } from "./action";
import type { Acts, Change } from "./acts";
import type { Target } from "./target";

/**
 * Up to how many executions are named one by one when their states change. What became of each is
 * then known, and can be undone.
 */
export const MOST_NAMED = 10_000;
/** Above how many executions their number is to be typed. */
export const UNTYPED = 1_000;

/** Something to do with executions that are known. */
export interface Work {
  change: Change;
  on: { guids: readonly string[] } | { filters: readonly ExecutionFilter[] };
  count: number;
}

/** What an action would come to, by a dry run. */
export interface Plan {
  target: Target;
  /** How many of the target are still there, or still match. */
  found: number;
  states: ReadonlyMap<ExecutionState, number>;
  work: Work;
}

/** The change of an action. What has ended already keeps its state. */
export function changeOf(action: Action): Change {
  const { state } = ACTIONS[action];
  return state && { state, expectedState: "INPROGRESS" };
}

/** Find out what an action would come to, and change nothing. Rejects with Refused. */
export async function planOf(action: Action, target: Target, acts: Acts): Promise<Plan> {
  const change = changeOf(action);
  const filters = target.filters.map((filter) => (change ? inProgress(filter) : filter));
  const states = new Map<ExecutionState, number>();
  let count = 0;
  for (const [at, filter] of target.filters.entries()) {
    for (const [state, number] of await acts.states(filter)) {
      states.set(state, (states.get(state) ?? 0) + number);
    }
    count += await acts.dryRun(filters[at] ?? filter, change);
  }
  const found = [...states.values()].reduce((sum, number) => sum + number, 0);
  const plan = { target, found, states };
  if (!change && target.guids)
    return { ...plan, work: { change, count, on: { guids: target.guids } } };
  if (!change || count > MOST_NAMED) return { ...plan, work: { change, count, on: { filters } } };
  const named = await Promise.all(filters.map((filter) => acts.guids(filter)));
  const guids = named.flat();
  return { ...plan, work: { change, count: guids.length, on: { guids } } };
}

function inProgress(filter: ExecutionFilter): ExecutionFilter {
  return { and: [filter, { state: { eq: "INPROGRESS" } }] };
}
