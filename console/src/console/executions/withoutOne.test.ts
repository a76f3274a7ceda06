import { expect, test } from "vitest";

import { parseFilter } from "../filter/language";
import { onlyOne, withoutOne } from "./withoutOne";

const AT = { now: new Date("2026-11-26T12:00:00Z"), zone: "UTC" };
const ERROR = { state: { eq: "ERROR" } };
const LONG = { durationMs: { gt: 1000 } };
const RANGE = { createdOn: { gte: "2026-11-01T00:00:00.000Z" } };

test("each condition is left out once, the range first", () => {
  const text = "state:ERROR  duration>1s";
  expect(withoutOne(text, parseFilter(text, AT), RANGE)).toEqual([
    { text: null, to: { range: "" }, filter: { and: [ERROR, LONG] } },
    { text: "state:ERROR", to: { filter: "duration>1s" }, filter: { and: [LONG, RANGE] } },
    { text: "duration>1s", to: { filter: "state:ERROR" }, filter: { and: [ERROR, RANGE] } },
  ]);
});

test("without its only condition, everything is listed", () => {
  expect(withoutOne("state:ERROR", parseFilter("state:ERROR", AT), null)).toEqual([
    { text: "state:ERROR", to: { filter: "" }, filter: null },
  ]);
});

test("each condition is kept alone, and the range too", () => {
  const text = "state:ERROR  duration>1s";
  expect(onlyOne(text, parseFilter(text, AT), RANGE)).toEqual([
    { text: null, to: { filter: "" }, filter: RANGE },
    { text: "state:ERROR", to: { filter: "state:ERROR", range: "" }, filter: ERROR },
    { text: "duration>1s", to: { filter: "duration>1s", range: "" }, filter: LONG },
  ]);
});
