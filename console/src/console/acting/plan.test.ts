import { expect, test } from "vitest";

import { many, FakeGateway } from "./fakeGateway";
import { changeOf, MOST_KNOWN, planOf } from "./plan";
import { type Target, targetOf, targetOfSelection } from "./target";

const FAILED: Target = { kind: "all", filter: { state: { eq: "ERROR" } }, count: 3 };

test("stopping is for what is in progress, and leaves what has ended", async () => {
  const { acts } = new FakeGateway({ a: "INPROGRESS", b: "FINISHED", c: "INPROGRESS" });
  const plan = await planOf("stop", targetOf(["a", "b", "gone"]), acts);
  expect(plan.found).toBe(2);
  expect(plan.work).toMatchObject({ kind: "update", count: 1, guids: ["a"] });
  expect(Object.fromEntries(plan.states)).toEqual({ INPROGRESS: 1, FINISHED: 1 });
});

test("of all that match, what has ended is counted beside what is stopped", async () => {
  const { acts } = new FakeGateway({ a: "INPROGRESS", b: "FINISHED", c: "INPROGRESS" });
  const plan = await planOf("stop", { kind: "all", filter: {}, count: 3 }, acts);
  expect(plan).toMatchObject({ found: 3, work: { count: 2, guids: ["a", "c"] } });
  expect(Object.fromEntries(plan.states)).toEqual({ INPROGRESS: 2, FINISHED: 1 });
});

test("what was changed last is deleted last", async () => {
  const { acts, ...gateway } = new FakeGateway({
    a: "STOPPED",
    b: "ERROR",
    c: "STOPPED",
    d: "ERROR",
  });
  gateway.held.set("b", { state: "ERROR", updatedOn: 9 });
  const { work } = await planOf("delete", targetOf(["a", "b", "c", "d"]), acts);
  const guids = work.kind === "delete" && work.rows.map(({ guid }) => guid);
  expect(guids).toEqual(["a", "c", "d", "b"]);
});

test("all that match are those which were selected, and were not changed since", async () => {
  const { acts } = new FakeGateway({ a: "ERROR", b: "ERROR" });
  const selection = {
    kind: "all",
    filter: { state: { eq: "ERROR" } },
    total: 2,
    until: "2026-11-26T12:00:00.000Z",
    except: new Set<string>(),
  } as const;
  const target = targetOfSelection(selection);
  expect(target).toMatchObject({
    filter: { and: [selection.filter, { updatedOn: { lte: selection.until } }] },
  });
  expect((await planOf("delete", target ?? FAILED, acts)).work.count).toBe(2);
});

test("more than can be known one by one are changed by their filter", async () => {
  const { acts } = new FakeGateway({});
  const big = { ...acts, dryRun: async () => MOST_KNOWN + 1 };
  const { work } = await planOf("delete", FAILED, big);
  expect(work).toMatchObject({ kind: "matching", count: MOST_KNOWN + 1 });
});

test("less is asked for at once where the gateway takes less", async () => {
  const gateway = new FakeGateway(many(300, "ERROR"), { maxIds: 200, maxPageSize: 100 });
  const chosen = await planOf("delete", targetOf(gateway.held.keys()), gateway.acts);
  expect(chosen.work.count).toBe(300);
  const all = await planOf("delete", FAILED, gateway.acts);
  expect(all.work.count).toBe(300);
  expect(gateway.refusals).toBe(8);
});

test("executions are found one by one where the gateway takes one row at once", async () => {
  const gateway = new FakeGateway(many(30, "ERROR"), { maxPageSize: 1 });
  expect((await planOf("delete", FAILED, gateway.acts)).work.count).toBe(30);
});

test("deleting expects no state", () => {
  expect(changeOf("delete")).toBeNull();
  expect(changeOf("stop")).toEqual({ state: "STOPPED", expectedState: "INPROGRESS" });
});
