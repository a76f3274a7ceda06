import { expect, test } from "vitest";

import { found, type Known, unknown } from "./opened";

const EXECUTION = { guid: "a", state: "FINISHED" } as Known;
const ANSWER = { eventCursor: "1", execution: EXECUTION } as Parameters<typeof found>[2];

test("an execution that is found for the first time has not changed", () => {
  const opened = found(unknown("a"), "a", ANSWER);
  expect(opened).toMatchObject({ execution: EXECUTION, standing: "there", changes: 0 });
  expect(found({ ...opened, changes: 5 }, "b", ANSWER).changes).toBe(0);
});

test("an execution that is found once more may have changed", () => {
  const opened = { ...found(unknown("a"), "a", ANSWER), changes: 5 };
  expect(found(opened, "a", ANSWER).changes).toBe(6);
});

test("an execution that is not found is missing", () => {
  expect(found(unknown("a"), "a", { ...ANSWER, execution: null }).standing).toBe("missing");
});
