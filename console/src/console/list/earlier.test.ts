import { expect, test } from "vitest";

import { parseFilter } from "../filter/language";
import { earlierRunning } from "./earlier";

const AT = { now: new Date("2026-11-26T12:00:00Z"), zone: "UTC" };
const NOVEMBER = "2026-11-01T00:00:00.000Z";
const RUNNING = { state: { eq: "INPROGRESS" } };

function earlier(text: string, from: string | null = null) {
  return earlierRunning(text, parseFilter(text, AT), from === null ? null : Date.parse(from));
}

test("without a beginning nothing is too old to be listed", () => {
  expect(earlier("state:ERROR before:2026-11-01")).toBeNull();
  expect(earlier("updated>2026-11-01")).toBeNull();
});

test("what runs since before a range is found by the other conditions", () => {
  expect(earlier("flow-id:a state:INPROGRESS,ERROR", NOVEMBER)).toEqual({
    filter: {
      and: [
        { agentflowId: { eq: "a" } },
        { state: { in: ["INPROGRESS", "ERROR"] } },
        { ...RUNNING, createdOn: { lt: NOVEMBER } },
      ],
    },
    to: { filter: "flow-id:a state:INPROGRESS", range: `..${NOVEMBER}`, order: "" },
  });
});

test.each([
  "after:2026-11-01",
  "created>=2026-11-01",
  "created:2026-11-01..2026-11-02",
  "-before:2026-11-01",
  "after:2026-10-01 after:2026-11-01",
])("a range in the filter is one as well: %s", (text) => {
  expect(earlier(text)).toEqual({
    filter: { ...RUNNING, createdOn: { lt: NOVEMBER } },
    to: { filter: "state:INPROGRESS", range: `..${NOVEMBER}`, order: "" },
  });
});

test("an alternative to a time is no beginning", () => {
  expect(earlier("after:2026-11-01 OR duration>1h")).toBeNull();
});

test("the later beginning is the one that counts", () => {
  expect(earlier("after:2026-10-01", NOVEMBER)?.to.range).toBe(`..${NOVEMBER}`);
});
