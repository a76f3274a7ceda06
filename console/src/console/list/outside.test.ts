import { expect, test } from "vitest";

import { parseFilter } from "../filter/language";
import { runningOutside } from "./outside";

const AT = { now: new Date("2026-11-26T12:00:00Z"), zone: "UTC" };
const [NOVEMBER, DECEMBER] = ["2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"];
const RUNNING = { state: { eq: "INPROGRESS" } };

function outside(text: string, range: { gte?: string; lt?: string } | null = null) {
  return runningOutside(text, parseFilter(text, AT), range);
}

test("without a range executions of all times are listed", () => {
  expect(outside("state:ERROR flow:a")).toBeNull();
  expect(outside("updated>2026-11-01")).toBeNull();
});

test("what runs is told by the other conditions", () => {
  const states = { state: { in: ["INPROGRESS", "ERROR"] } };
  const others = [{ agentflowId: { eq: "a" } }, states, RUNNING];
  expect(outside("flow-id:a state:INPROGRESS,ERROR", { gte: NOVEMBER })).toEqual({
    running: { and: others },
    listed: { and: [...others, { createdOn: { gte: NOVEMBER } }] },
    to: { filter: `flow-id:a state:INPROGRESS before:${NOVEMBER}`, range: "", order: "" },
  });
});

test("what began after a range that has an end is outside as well", () => {
  const range = { gte: NOVEMBER, lt: DECEMBER };
  expect(outside("", range)).toEqual({
    running: RUNNING,
    listed: { and: [RUNNING, { createdOn: range }] },
    to: {
      filter: `state:INPROGRESS before:${NOVEMBER} OR after:${DECEMBER}`,
      range: "",
      order: "",
    },
  });
});

test.each([
  ["after:2026-11-01", "-after:2026-11-01"],
  ["before:2026-11-01", "-before:2026-11-01"],
  ["created:2026-11-01..2026-11-02", "-created:2026-11-01..2026-11-02"],
  ["-before:2026-11-01", "before:2026-11-01"],
  ["after:-24h before:-1h", "-after:-24h OR -before:-1h"],
])("times in the filter are a range as well: %s", (text, turned) => {
  const conditions = parseFilter(text, AT).parts.map(({ condition }) => condition);
  expect(outside(text)).toEqual({
    running: RUNNING,
    listed: { and: [RUNNING, ...conditions] },
    to: { filter: `state:INPROGRESS ${turned}`, range: "", order: "" },
  });
});

test("outside several ranges is what is outside one of them", () => {
  const found = outside("after:2026-10-01", { lt: DECEMBER });
  expect(found?.to.filter).toBe(`state:INPROGRESS -after:2026-10-01 OR after:${DECEMBER}`);
  expect(found?.listed.and).toEqual([
    RUNNING,
    { createdOn: { gte: "2026-10-01T00:00:00.000Z" } },
    { createdOn: { lt: DECEMBER } },
  ]);
});

test("the address lists what runs and is not listed", () => {
  const found = outside("flow-id:a before:2026-11-01", { gte: "2026-10-01T00:00:00.000Z" });
  const { filter, problems } = parseFilter(found?.to.filter ?? "", AT);
  expect(problems).toEqual([]);
  expect(filter).toEqual({
    and: [
      { agentflowId: { eq: "a" } },
      RUNNING,
      {
        or: [
          { not: { createdOn: { lt: NOVEMBER } } },
          { createdOn: { lt: "2026-10-01T00:00:00.000Z" } },
        ],
      },
    ],
  });
});

test("an alternative to a time is no range", () => {
  expect(outside("after:2026-11-01 OR duration>1h")).toBeNull();
});
