import { expect, test } from "vitest";

import type { ExecutionFilter, ExecutionState } from "../generated/graphql";
import { type Refusal, Refused } from "../gateway";
import type { Acts, Change } from "./acts";
import { changeOf, MOST_NAMED, planOf } from "./plan";
import { targetOf, targetOfSelection } from "./target";
import { carryOut } from "./work";

const AWAY: Refusal = { kind: "away", needsKey: false, title: "Away.", detail: "" };
const going = { onProgress: () => undefined, isEnded: () => false };

/** A gateway with these executions, which looks at the guids and the states of filters alone. */
function gatewayWith(states: Record<string, ExecutionState>, { refusesAfter = Infinity } = {}) {
  const held = new Map(Object.entries(states));
  let calls = 0;
  function matching(filter: ExecutionFilter): string[] {
    const { and = [], guid, state } = filter;
    const named = guid?.in && new Set(guid.in);
    const isState = (each: string) => !state?.eq || held.get(each) === state.eq;
    const within = (and ?? []).map((inner) => new Set(matching(inner)));
    return [...held.keys()].filter(
      (each) =>
        (!named || named.has(each)) && isState(each) && within.every((inner) => inner.has(each)),
    );
  }
  function put(guid: string, change: Change) {
    if (change?.state) held.set(guid, change.state);
    else held.delete(guid);
  }
  const acts: Acts = {
    states: async (filter) => {
      const counted = new Map<ExecutionState, number>();
      for (const guid of matching(filter)) {
        const state = held.get(guid) ?? "ERROR";
        counted.set(state, (counted.get(state) ?? 0) + 1);
      }
      return counted;
    },
    dryRun: async (filter) => matching(filter).length,
    guids: async (filter) => matching(filter),
    chosen: async (guids, change) => {
      calls += 1;
      if (calls > refusesAfter) throw new Refused(AWAY);
      const there = guids.filter((guid) => held.has(guid));
      const isExpected = (guid: string) =>
        !change?.expectedState || held.get(guid) === change.expectedState;
      const conflicts = there.filter((guid) => !isExpected(guid));
      const changed = there.filter(isExpected);
      for (const guid of changed) put(guid, change);
      return {
        changed,
        missing: guids.length - there.length,
        conflicts: conflicts.map((guid) => ({
          guid,
          state: held.get(guid) ?? "ERROR",
          agentflowId: "flow",
          agentflowName: null,
        })),
      };
    },
    matching: async (filter, change, limit) => {
      const found = matching(filter);
      for (const guid of found.slice(0, limit)) put(guid, change);
      return { affected: Math.min(limit, found.length), hasMore: found.length > limit };
    },
  };
  return { held, acts };
}

function many(count: number, state: ExecutionState): Record<string, ExecutionState> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`run-${at}`, state]));
}

test("stopping is for what is in progress, and leaves what has ended", async () => {
  const { held, acts } = gatewayWith({ a: "INPROGRESS", b: "FINISHED", c: "INPROGRESS" });
  const plan = await planOf("stop", targetOf(["a", "b", "gone"]), acts);
  expect(plan.found).toBe(2);
  expect(plan.work).toMatchObject({ count: 1, on: { guids: ["a"] } });
  expect(Object.fromEntries(plan.states)).toEqual({ INPROGRESS: 1, FINISHED: 1 });
  await carryOut(plan.work, acts, going);
  expect(Object.fromEntries(held)).toEqual({ a: "STOPPED", b: "FINISHED", c: "INPROGRESS" });
});

test("what ended or went meanwhile is told, and the rest can be undone", async () => {
  const { held, acts } = gatewayWith({ a: "INPROGRESS", b: "INPROGRESS", c: "INPROGRESS" });
  const { work } = await planOf("timeOut", targetOf(["a", "b", "c"]), acts);
  held.set("b", "FINISHED");
  held.delete("c");
  const outcome = await carryOut(work, acts, going);
  expect(outcome).toMatchObject({ changed: 1, missing: 1, rest: null });
  expect(outcome.conflicts).toMatchObject([{ guid: "b", state: "FINISHED" }]);
  expect(outcome.undo).not.toBeNull();
  if (outcome.undo) await carryOut(outcome.undo, acts, going);
  expect(Object.fromEntries(held)).toEqual({ a: "INPROGRESS", b: "FINISHED" });
});

test("what was ended half-way can be gone on with", async () => {
  const { held, acts } = gatewayWith(many(600, "INPROGRESS"));
  const { work } = await planOf("stop", targetOf(held.keys()), acts);
  let done = 0;
  const outcome = await carryOut(work, acts, {
    onProgress: (now) => (done = now),
    isEnded: () => done > 0,
  });
  expect(outcome.changed).toBe(250);
  expect(outcome.rest?.count).toBe(350);
  if (outcome.rest) await carryOut(outcome.rest, acts, going);
  expect(new Set(held.values())).toEqual(new Set(["STOPPED"]));
});

test("a refusal in between leaves what was done, says why, and what is left", async () => {
  const { held, acts } = gatewayWith(many(600, "INPROGRESS"), { refusesAfter: 1 });
  const { work } = await planOf("delete", targetOf(held.keys()), acts);
  const outcome = await carryOut(work, acts, going);
  expect(outcome).toMatchObject({ changed: 250, refusal: AWAY, undo: null });
  expect(outcome.rest?.count).toBe(350);
});

test("all that match are deleted by their filter, as they were when they were chosen", async () => {
  const { held, acts } = gatewayWith(many(2_500, "ERROR"));
  const asOf = new Date("2026-11-26T12:00:00Z");
  const state = { state: { eq: "ERROR" } } as const;
  const selection = {
    kind: "all",
    filter: state,
    total: 2_500,
    asOf,
    except: new Set<string>(),
  } as const;
  const target = targetOfSelection(selection);
  if (!target) throw new Error("Nothing is selected");
  const plan = await planOf("delete", target, acts);
  const moment = { updatedOn: { lte: "2026-11-26T12:00:00.000Z" } };
  expect(plan.work.on).toEqual({ filters: [{ and: [state, moment] }] });
  const seen: number[] = [];
  const outcome = await carryOut(plan.work, acts, {
    ...going,
    onProgress: (now) => seen.push(now),
  });
  expect(seen).toEqual([1_000, 2_000, 2_500]);
  expect(outcome).toMatchObject({ changed: 2_500, slipped: 0, rest: null });
  expect(held.size).toBe(0);
});

test("more than can be named are changed by their filter, and can't be undone", async () => {
  const { acts } = gatewayWith({});
  const big = { ...acts, dryRun: async () => MOST_NAMED + 1 };
  const { work } = await planOf("stop", targetOf(["a"]), big);
  expect("filters" in work.on).toBe(true);
  expect((await carryOut(work, acts, going)).undo).toBeNull();
});

test("deleting expects no state", () => {
  expect(changeOf("delete")).toBeNull();
  expect(changeOf("stop")).toEqual({ state: "STOPPED", expectedState: "INPROGRESS" });
});
