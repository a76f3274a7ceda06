import type { ExecutionFilter, ExecutionState } from "../generated/graphql";
import { Amount, MOST_AT_ONCE, type Refusal, Refused } from "../gateway";
import type { Acts, Change } from "./acts";

/** What a gateway refuses with that does not answer. */
export const AWAY: Refusal = { kind: "away", needsKey: false, title: "Away.", detail: "" };
const TOO_MUCH: Refusal = { kind: "input", needsKey: false, title: "Too much.", detail: "" };

interface Held {
  state: ExecutionState;
  /** Seconds since its clock began. */
  updatedOn: number;
}

interface Limits {
  maxIds?: number;
  maxPageSize?: number;
}

/** A gateway for tests, which knows the conditions on guids, states and times of change alone. */
export class FakeGateway {
  readonly held: Map<string, Held>;
  /** How often too much was asked for at once. */
  refusals = 0;
  /** What happens after something was changed, before it is answered. */
  onChanged: () => void = () => undefined;
  readonly acts: Acts;
  private clock = 1;

  constructor(
    states: Record<string, ExecutionState>,
    { maxIds = 10_000, maxPageSize = 1_000 }: Limits = {},
  ) {
    this.held = new Map(
      Object.entries(states).map(([guid, state]) => [guid, { state, updatedOn: 0 }]),
    );
    const within = (size: number, limit: number) => {
      if (size <= limit) return;
      this.refusals += 1;
      throw new Refused(TOO_MUCH);
    };
    this.acts = {
      rowsAtOnce: new Amount(MOST_AT_ONCE),
      guidsAtOnce: new Amount(MOST_AT_ONCE),
      states: async (filter) => {
        const counted = new Map<ExecutionState, number>();
        for (const { state } of this.matching(filter)) {
          counted.set(state, (counted.get(state) ?? 0) + 1);
        }
        return counted;
      },
      dryRun: async (filter) => this.matching(filter).length,
      page: async (filter, first, after) => {
        within(guidsIn(filter), maxIds);
        within(first, maxPageSize);
        const all = this.matching(filter);
        const from = Number(after ?? 0);
        const cursor = from + first < all.length ? String(from + first) : null;
        return { rows: all.slice(from, from + first), cursor };
      },
      update: async (guids, change) => {
        within(guids.length, maxIds);
        const there = this.matching({ guid: { in: guids } });
        const isExpected = (state: ExecutionState) =>
          !change.expectedState || state === change.expectedState;
        const changed = there.filter(({ state }) => isExpected(state)).map(({ guid }) => guid);
        for (const guid of changed) this.put(guid, change);
        this.onChanged();
        return {
          changed,
          missing: guids.length - there.length,
          conflicts: there.filter(({ state }) => !isExpected(state)),
        };
      },
      matching: async (filter, change, limit) => {
        within(guidsIn(filter), maxIds);
        const found = this.matching(filter);
        for (const { guid } of found.slice(0, limit)) this.put(guid, change);
        this.onChanged();
        return { affected: Math.min(limit, found.length), hasMore: found.length > limit };
      },
    };
  }

  /** Change an execution as another program does; null deletes it. */
  set(guid: string, state: ExecutionState | null) {
    this.put(guid, state && { state });
  }

  /** Put in an execution that says to be older than all others. */
  arrive(guid: string, state: ExecutionState) {
    this.held.set(guid, { state, updatedOn: 0 });
  }

  states(): Record<string, ExecutionState> {
    return Object.fromEntries([...this.held].map(([guid, { state }]) => [guid, state]));
  }

  private put(guid: string, change: Change) {
    if (change?.state) this.held.set(guid, { state: change.state, updatedOn: this.clock++ });
    else this.held.delete(guid);
  }

  private matching(filter: ExecutionFilter) {
    const rows = [...this.held].map(([guid, { state, updatedOn }]) => ({
      guid,
      state,
      updatedOn: new Date(updatedOn * 1_000).toISOString(),
      agentflowId: "flow",
      agentflowName: null,
    }));
    return rows.filter((row) => matches(row, filter));
  }
}

/** So many executions in a state. */
export function many(count: number, state: ExecutionState): Record<string, ExecutionState> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`run-${at}`, state]));
}

function matches(
  row: { guid: string; state: ExecutionState; updatedOn: string },
  { and, or, guid, state, updatedOn }: ExecutionFilter,
): boolean {
  return (
    (!guid?.in || guid.in.includes(row.guid)) &&
    (!state?.eq || row.state === state.eq) &&
    (!updatedOn?.lte || row.updatedOn <= updatedOn.lte) &&
    (and ?? []).every((inner) => matches(row, inner)) &&
    (or?.some((inner) => matches(row, inner)) ?? true)
  );
}

function guidsIn({ and, or, guid }: ExecutionFilter): number {
  const within = [...(and ?? []), ...(or ?? [])];
  return (guid?.in?.length ?? 0) + within.reduce((sum, inner) => sum + guidsIn(inner), 0);
}
