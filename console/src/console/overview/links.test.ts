import { expect, test } from "vitest";

import { toFlow, toRunning, toStates } from "./links";

const ABOUT = { filter: "state:ERROR,TIMEOUT duration>60s", range: "24h", zone: "UTC" };

test("a count leads to the executions that it counts: with the filter, and the range", () => {
  expect(toStates(ABOUT, ["FINISHED"])).toMatchObject({
    view: "executions",
    filter: "duration>60s state:FINISHED",
    range: "24h",
  });
});

test("an agentflow leads to its failures by its id, quoted where it has to be", () => {
  const { filter } = toFlow({ ...ABOUT, filter: "-flow:Billing" }, "flow 1", ["ERROR"]);
  expect(filter).toBe('-flow:Billing flow-id:"flow 1" state:ERROR');
});

test("what runs is listed whenever it began, and so is everything of all time", () => {
  expect(toRunning(ABOUT)).toMatchObject({ filter: "duration>60s state:INPROGRESS", range: "" });
  expect(toStates({ ...ABOUT, range: "all" }, ["ERROR"]).range).toBe("");
});
