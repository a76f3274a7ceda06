import type {
  ExecutionFilter,
  ExecutionState,
  MetFragment,
  UpdateExecutionInput,
} from "../generated/graphql";
import { type Action, ACTIONS } from "./action";
import type { Acts, Change } from "./acts";
import { allOf, allThatMatch, type Looking } from "./met";
import type { Target } from "./target";

/**
 * Up to how many executions are known one by one. Then nothing else is touched, whatever comes
 * meanwhile and whichever times it has, what became of each is known, and can be undone.
 */
export const MOST_KNOWN = 100_000;
/** Above how many executions their number is to be typed. */
export const UNTYPED = 1_000;

/** Something to do with executions. */
export type Work = {
  count: number;
  /** Those which it may have been done with already, by a request that was not answered. */
  unsure?: ReadonlySet<string>;
} & (
  | { kind: "update"; change: UpdateExecutionInput; guids: readonly string[] }
  /** To delete what still is as it was, the oldest change first. */
  | { kind: "delete"; rows: readonly MetFragment[]; filter: ExecutionFilter | null }
  | { kind: "matching"; change: Change; filter: ExecutionFilter }
);

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
export async function planOf(
  action: Action,
  target: Target,
  acts: Acts,
  looking: Looking = {},
): Promise<Plan> {
  const change = changeOf(action);
  if (target.kind === "chosen") {
    const rows = await allOf(target.guids, acts, looking);
    return planned(target, statesOf(rows), change, rows);
  }
  const { filter } = target;
  const affected = change ? inProgress(filter) : filter;
  const states = await acts.states(filter, looking.signal);
  const count = await acts.dryRun(affected, change, looking.signal);
  if (count > MOST_KNOWN) {
    const work = { kind: "matching", change, filter: affected, count } as const;
    return { target, states, found: sumOf(states), work };
  }
  const rows = await allThatMatch(affected, acts, looking);
  // What was counted a moment before is now what was found.
  for (const state of change ? (["INPROGRESS"] as const) : states.keys()) states.delete(state);
  return planned(target, new Map([...states, ...statesOf(rows)]), change, rows);
}

function planned(
  target: Target,
  states: ReadonlyMap<ExecutionState, number>,
  change: Change,
  rows: readonly MetFragment[],
): Plan {
  const plan = { target, states, found: sumOf(states) };
  if (!change) {
    const filter = target.kind === "all" ? target.filter : null;
    const sorted = [...rows].sort((one, other) => changedOn(one) - changedOn(other));
    return { ...plan, work: { kind: "delete", rows: sorted, filter, count: rows.length } };
  }
  const guids = rows.filter(({ state }) => state === change.expectedState).map(({ guid }) => guid);
  return { ...plan, work: { kind: "update", change, guids, count: guids.length } };
}

function changedOn({ updatedOn }: MetFragment): number {
  return Date.parse(updatedOn);
}

function statesOf(rows: readonly MetFragment[]): Map<ExecutionState, number> {
  const states = new Map<ExecutionState, number>();
  for (const { state } of rows) states.set(state, (states.get(state) ?? 0) + 1);
  return states;
}

function sumOf(states: ReadonlyMap<ExecutionState, number>): number {
  return [...states.values()].reduce((sum, count) => sum + count, 0);
}

function inProgress(filter: ExecutionFilter): ExecutionFilter {
  return { and: [filter, { state: { eq: "INPROGRESS" } }] };
}
