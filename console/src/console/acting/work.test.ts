import { expect, test } from "vitest";

import { Refused } from "../gateway";
import type { Action } from "./action";
import { AWAY, many, FakeGateway } from "./fakeGateway";
import { together } from "./outcome";
import { planOf, type Work } from "./plan";
import { type Target, targetOf } from "./target";
import { carryOut } from "./work";

const going = { onProgress: () => undefined, isEnded: () => false };
const FAILED: Target = { kind: "all", filter: { state: { eq: "ERROR" } }, count: 2_500 };

async function workOf(
  action: Action,
  gateway: FakeGateway,
  target: Target = targetOf(gateway.held.keys()),
) {
  return (await planOf(action, target, gateway.acts)).work;
}

/** After so many changes the gateway does them, and does not answer any more. */
function loseAfter(gateway: FakeGateway, changes: number) {
  let count = 0;
  gateway.onChanged = () => {
    count += 1;
    if (count > changes) throw new Refused(AWAY);
  };
}

function isThere(work: Work | null): Work {
  if (!work) throw new Error("There is no such work");
  return work;
}

test("what ended or went meanwhile is told, and the rest can be undone", async () => {
  const gateway = new FakeGateway({ a: "INPROGRESS", b: "INPROGRESS", c: "INPROGRESS" });
  const work = await workOf("timeOut", gateway);
  gateway.set("b", "FINISHED");
  gateway.set("c", null);
  const outcome = await carryOut(work, gateway.acts, going);
  expect(outcome).toMatchObject({ changed: 1, missing: 1, rest: null });
  expect(outcome.conflicts).toMatchObject([{ guid: "b", state: "FINISHED" }]);
  await carryOut(isThere(outcome.undo), gateway.acts, going);
  expect(gateway.states()).toEqual({ a: "INPROGRESS", b: "FINISHED" });
});

test("what somebody else has stopped is as it should be, and is not put back", async () => {
  const gateway = new FakeGateway({ a: "INPROGRESS", b: "INPROGRESS" });
  const work = await workOf("stop", gateway);
  gateway.set("b", "STOPPED");
  const outcome = await carryOut(work, gateway.acts, going);
  expect(outcome).toMatchObject({ changed: 2, conflicts: [], undo: { guids: ["a"] } });
});

test("what was ended half-way is gone on with, and undone as a whole", async () => {
  const gateway = new FakeGateway(many(2_500, "INPROGRESS"));
  let done = 0;
  const first = await carryOut(await workOf("stop", gateway), gateway.acts, {
    onProgress: (now) => (done = now),
    isEnded: () => done > 0,
  });
  expect(first).toMatchObject({ changed: 1_000, rest: { count: 1_500 } });
  const whole = together(first, await carryOut(isThere(first.rest), gateway.acts, going));
  expect(whole).toMatchObject({ changed: 2_500, rest: null });
  expect(new Set(Object.values(gateway.states()))).toEqual(new Set(["STOPPED"]));
  await carryOut(isThere(whole.undo), gateway.acts, going);
  expect(new Set(Object.values(gateway.states()))).toEqual(new Set(["INPROGRESS"]));
});

test("a batch whose answer was lost counts once it is asked for again", async () => {
  const gateway = new FakeGateway(many(2_500, "INPROGRESS"));
  const work = await workOf("stop", gateway);
  loseAfter(gateway, 1);
  const first = await carryOut(work, gateway.acts, going);
  expect(first).toMatchObject({ changed: 1_000, refusal: AWAY, rest: { count: 1_500 } });
  gateway.onChanged = () => undefined;
  const whole = together(first, await carryOut(isThere(first.rest), gateway.acts, going));
  expect(whole).toMatchObject({ changed: 2_500, conflicts: [], undo: { count: 2_500 } });
});

test("a batch of deletions whose answer was lost counts as well", async () => {
  const gateway = new FakeGateway(many(2_500, "ERROR"));
  const work = await workOf("delete", gateway);
  loseAfter(gateway, 1);
  const first = await carryOut(work, gateway.acts, going);
  expect(first).toMatchObject({ changed: 1_000, refusal: AWAY, rest: { count: 1_500 } });
  gateway.onChanged = () => undefined;
  const whole = together(first, await carryOut(isThere(first.rest), gateway.acts, going));
  expect(whole).toMatchObject({ changed: 2_500, missing: 0, undo: null });
});

test("of all that match, what came or changed since the dry run is not deleted", async () => {
  const gateway = new FakeGateway(many(2_500, "ERROR"));
  const work = await workOf("delete", gateway, FAILED);
  gateway.arrive("late", "ERROR");
  gateway.set("run-7", "ERROR");
  gateway.set("run-8", "INPROGRESS");
  gateway.set("run-9", null);
  const seen: number[] = [];
  const outcome = await carryOut(work, gateway.acts, {
    ...going,
    onProgress: (now) => seen.push(now),
  });
  expect(seen).toEqual([1_000, 2_000, 2_500]);
  expect(outcome).toMatchObject({ changed: 2_497, missing: 1, rest: null });
  expect(outcome.conflicts.map(({ guid }) => guid)).toEqual(["run-7", "run-8"]);
  expect(gateway.states()).toEqual({ late: "ERROR", "run-7": "ERROR", "run-8": "INPROGRESS" });
});

test("what was chosen is deleted in the state that was confirmed", async () => {
  const gateway = new FakeGateway({ a: "ERROR", b: "ERROR", c: "FINISHED" });
  const work = await workOf("delete", gateway);
  gateway.set("a", "ERROR");
  gateway.set("b", "INPROGRESS");
  const outcome = await carryOut(work, gateway.acts, going);
  expect(outcome).toMatchObject({ changed: 2, conflicts: [{ guid: "b", state: "INPROGRESS" }] });
});

test("where the gateway does not say which are left, it is told how many", async () => {
  const gateway = new FakeGateway(many(10, "ERROR"));
  const work = await workOf("delete", gateway);
  gateway.set("run-1", "FINISHED");
  const page = async () => Promise.reject(new Refused(AWAY));
  const outcome = await carryOut(work, { ...gateway.acts, page }, going);
  expect(outcome).toMatchObject({ changed: 9, slipped: 1, conflicts: [], refusal: null });
});

test("batches are smaller where the gateway takes smaller ones", async () => {
  const gateway = new FakeGateway(many(300, "INPROGRESS"), { maxIds: 100 });
  const stopping = await workOf("stop", gateway, { kind: "all", filter: {}, count: 300 });
  expect(await carryOut(stopping, gateway.acts, going)).toMatchObject({ changed: 300 });
  const deleting = await workOf("delete", gateway);
  expect(await carryOut(deleting, gateway.acts, going)).toMatchObject({ changed: 300 });
});

test("what is changed by its filter goes on until nothing is left, and can't be undone", async () => {
  const gateway = new FakeGateway(many(2_500, "INPROGRESS"));
  const change = { state: "STOPPED", expectedState: "INPROGRESS" } as const;
  const filter = { state: { eq: "INPROGRESS" } } as const;
  const work = { kind: "matching", change, filter, count: 2_501 } as const;
  const outcome = await carryOut(work, gateway.acts, going);
  expect(outcome).toMatchObject({ changed: 2_500, slipped: 1, rest: null, undo: null });
});
