import { expect, test } from "vitest";

import { parseFilter } from "../filter/language";
import { withoutOne } from "./withoutOne";

const AT = { now: new Date("2026-11-26T12:00:00Z"), zone: "UTC" };
const ERROR = { state: { eq: "ERROR" } };
const LONG = { durationMs: { gt: 1000 } };
const RANGE = { createdOn: { gte: "2026-11-01T00:00:00.000Z" } };

test("each condition is left out once, the range first", () => {
  const text = "state:ERROR  duration>1s";
  expect(withoutOne(text, parseFilter(text, AT), RANGE)).toEqual([
    { text: null, rest: text, filter: { and: [ERROR, LONG] } },
    { text: "state:ERROR", rest: "duration>1s", filter: { and: [LONG, RANGE] } },
    { text: "duration>1s", rest: "state:ERROR", filter: { and: [ERROR, RANGE] } },
  ]);
});

test("without its only condition, everything is listed", () => {
  expect(withoutOne("state:ERROR", parseFilter("state:ERROR", AT), null)).toEqual([
    { text: "state:ERROR", rest: "", filter: null },
  ]);
});
