import { expect, test } from "vitest";

import { type Step, placed, spanOfAll, within } from "./steps";

const NOTHING: Step = {
  nodeId: "a",
  label: "A",
  name: null,
  status: "FINISHED",
  startedOn: null,
  finishedOn: null,
  durationMs: null,
  error: null,
  parent: null,
  iteration: null,
  totalTokens: null,
  cost: null,
};
const at = (seconds: number) => new Date(seconds * 1_000).toISOString();

test("steps stand in the order in which they began, an iteration before what is in it", () => {
  const steps = [
    { ...NOTHING, nodeId: "inner", parent: "loop", startedOn: at(1), finishedOn: at(2) },
    { ...NOTHING, nodeId: "loop", startedOn: at(1), finishedOn: at(4) },
    { ...NOTHING, nodeId: "first", finishedOn: at(1), durationMs: 1_000 },
  ];
  const order = placed(steps).map(({ step, depth, index }) => [step.nodeId, depth, index]);
  expect(order).toEqual([
    ["first", 0, 2],
    ["loop", 0, 1],
    ["inner", 1, 0],
  ]);
});

test("steps stand as they ended if one does not say when it began", () => {
  const steps = [{ ...NOTHING, startedOn: at(5), finishedOn: at(6) }, NOTHING];
  expect(placed(steps).map(({ index, span }) => [index, span !== null])).toEqual([
    [0, true],
    [1, false],
  ]);
});

test("nodes that are each other's parents are in no endless depth", () => {
  const steps = [
    { ...NOTHING, nodeId: "a", parent: "b" },
    { ...NOTHING, nodeId: "b", parent: "a" },
  ];
  expect(placed(steps).every(({ depth }) => depth < 10)).toBe(true);
});

test("the span of all reaches over steps that went on after the execution", () => {
  const execution = { createdOn: at(10), finishedOn: at(20) };
  const steps = placed([{ ...NOTHING, startedOn: at(5), finishedOn: at(30) }]);
  const known = execution as Parameters<typeof spanOfAll>[0];
  expect(spanOfAll(known, steps, 0)).toEqual({ from: 5_000, until: 30_000 });
});

test("a span outside of the whole is at its edge", () => {
  const whole = { from: 100, until: 200 };
  expect(within({ from: 150, until: 175 }, whole)).toEqual({ start: 0.5, length: 0.25 });
  expect(within({ from: 300, until: 400 }, whole)).toEqual({ start: 1, length: 0 });
});
