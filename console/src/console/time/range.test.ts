import { expect, test } from "vitest";

import { formatsFor } from "./formats";
import {
  boundsOf,
  conditionOf,
  parseRange,
  periodBefore,
  PRESETS,
  printRange,
  wordsOf,
} from "./range";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const HOUR = 3_600_000;

test.each([
  ["", { kind: "all" }],
  ["all", { kind: "all" }],
  ["24h", { kind: "last", length: 24 * HOUR }],
  ["7d", { kind: "last", length: 7 * 24 * HOUR }],
  ["90m", { kind: "last", length: 1.5 * HOUR }],
  ["2w", { kind: "last", length: 14 * 24 * HOUR }],
])("%j is a range", (text, range) => {
  expect(parseRange(text, "UTC")).toEqual(range);
});

test.each([
  "0h",
  "h",
  "24",
  "24 h",
  "..",
  "x..",
  "2026-02-30..",
  "2026-11-02..2026-11-01",
  "a..b..c",
  "0000-01-01..",
  "-000001-01-01T00:00Z..",
  "..+010000-01-01T00:00Z",
])("%j is none", (text) => {
  expect(parseRange(text, "UTC")).toBeNull();
});

test("dates are days of the reader's zone, the last one included", () => {
  expect(parseRange("2026-11-01..2026-11-02", "Asia/Kolkata")).toEqual({
    kind: "between",
    from: Date.parse("2026-10-31T18:30:00Z"),
    until: Date.parse("2026-11-02T18:30:00Z"),
  });
});

test("instants need an offset, so that a link means the same everywhere", () => {
  expect(parseRange("2026-11-01T10:00+01:00..", "UTC")).toEqual({
    kind: "between",
    from: Date.parse("2026-11-01T09:00:00Z"),
    until: null,
  });
  expect(parseRange("2026-11-01T10:00..", "UTC")).toBeNull();
});

test.each([
  ...PRESETS.map(({ range }) => range),
  "",
  "90m",
  "48h",
  "2026-11-01T09:30Z..",
  "..2026-11-01T09:30:15.250Z",
])("%j is read as it was written", (text) => {
  const range = parseRange(text, "UTC");
  expect(range && parseRange(printRange(range), "UTC")).toEqual(range);
});

test.each(["all", ...PRESETS.map(({ range }) => range)])("%j is written as it is read", (text) => {
  const range = parseRange(text, "UTC");
  expect(range && printRange(range)).toBe(text);
});

test.each([
  ["all", "All time"],
  ["7d", "Last 7 days"],
  ["90m", "Last 90 minutes"],
  ["1m", "Last minute"],
  ["12h", "Last 12 hours"],
  ["36h", "Last 36 hours"],
  ["2w", "Last 14 days"],
  ["2000h", "Last 2,000 hours"],
  ["2023-11-01..2023-11-02", "1 – 2 Nov 2023"],
  ["2023-11-01..2023-11-01", "1 Nov 2023"],
  ["2023-11-01T09:30Z..2023-11-01T10:00Z", "1 Nov 2023, 09:30 – 10:00"],
  ["2023-11-01..", "Since 1 Nov 2023, 00:00"],
  ["..2023-11-01T10:00Z", "Before 1 Nov 2023, 10:00"],
])("%j is said as %j", (text, words) => {
  const range = parseRange(text, "UTC");
  const said = range && wordsOf(range, formatsFor("en-GB", "UTC"));
  // Which spaces are around a dash is left to the locale's data.
  expect(said?.replace(/\s*–\s*/, " – ")).toBe(words);
});

test("a range up to now has no end, so that what comes is in it", () => {
  const range = { kind: "last", length: HOUR } as const;
  expect(boundsOf(range, NOW)).toEqual({ from: NOW - HOUR, until: null });
  expect(conditionOf(range, NOW)).toEqual({ gte: "2026-11-26T11:00:00.000Z" });
  expect(conditionOf({ kind: "all" }, NOW)).toBeNull();
});

test("the period before is as long, and ends where the range begins", () => {
  expect(periodBefore({ kind: "last", length: HOUR }, NOW)).toEqual({
    from: NOW - 2 * HOUR,
    until: NOW - HOUR,
  });
  expect(periodBefore({ kind: "between", from: NOW - 3 * HOUR, until: NOW - HOUR }, NOW)).toEqual({
    from: NOW - 5 * HOUR,
    until: NOW - 3 * HOUR,
  });
  expect(periodBefore({ kind: "between", from: null, until: NOW }, NOW)).toBeNull();
});

test("nothing is before the first day or after the last one that the gateway knows", () => {
  const begin = parseRange("0001-01-01..", "Pacific/Auckland");
  expect(begin && conditionOf(begin, NOW)).toEqual({ gte: "0001-01-01T00:00:00.000Z" });
  expect(begin && periodBefore(begin, NOW)).toBeNull();
  const end = parseRange("..9999-12-31", "America/New_York");
  expect(end && conditionOf(end, NOW)).toEqual({ lt: "9999-12-31T23:59:59.999Z" });
  const longest = parseRange("99999w", "UTC");
  expect(longest && periodBefore(longest, NOW)).toBeNull();
});

test("there is no period before one that has not begun", () => {
  expect(periodBefore({ kind: "between", from: NOW + HOUR, until: null }, NOW)).toBeNull();
});
