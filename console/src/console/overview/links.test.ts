import { expect, test } from "vitest";

import { toFlow, toRunning, toStates } from "./links";

const ABOUT = { filter: "state:ERROR,TIMEOUT duration>60s", range: "24h", zone: "UTC" };

test("a count leads to the executions that it counts: with the filter, and the range", () => {
  expect(toStates(ABOUT, ["ERROR"])).toMatchObject({
    view: "executions",
    filter: "duration>60s state:ERROR",
    range: "24h",
  });
});

test("a count of several states leads to those among them that the filter finds", () => {
  const failed = ["ERROR", "TERMINATED", "TIMEOUT"] as const;
  expect(toStates(ABOUT, failed).filter).toBe("duration>60s state:ERROR,TIMEOUT");
  const twice = { ...ABOUT, filter: "state:ERROR,TIMEOUT state:TIMEOUT,FINISHED" };
  expect(toStates(twice, failed).filter).toBe("state:TIMEOUT");
});

test("where the filter finds nothing in a state, nothing is listed either", () => {
  const filter = "duration>60s state:ERROR,TIMEOUT";
  expect(toStates(ABOUT, ["FINISHED"]).filter).toBe(`${filter} state:FINISHED`);
  expect(toRunning(ABOUT).filter).toBe(`${filter} state:INPROGRESS`);
});

test("an agentflow leads to its failures by its id, quoted where it has to be", () => {
  const { filter } = toFlow({ ...ABOUT, filter: "-flow:Billing" }, "flow 1", ["ERROR"]);
  expect(filter).toBe('-flow:Billing flow-id:"flow 1" state:ERROR');
});

test("what runs is listed whenever it began, and so is everything of all time", () => {
  const about = { ...ABOUT, filter: "-state:ERROR" };
  expect(toRunning(about)).toMatchObject({ filter: "-state:ERROR state:INPROGRESS", range: "" });
  expect(toStates({ ...ABOUT, range: "all" }, ["ERROR"]).range).toBe("");
});
