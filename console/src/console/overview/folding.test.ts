import fc from "fast-check";
import { expect, test } from "vitest";

import { offsetAt, startOfDay, wallTimeAt } from "../time";
import { barsOf, endOfLastBar } from "./bars";
import { type Bucket, folded, layersOf, startOf } from "./folding";

const at = (text: string) => Date.parse(text);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Apia",
] as const;

/** What the gateway would answer of executions that were created at these instants. */
function timeline(instants: readonly number[], unit: "HOUR" | "DAY" | "MONTH"): Bucket[] {
  const counts = new Map<number, number>();
  for (const instant of instants) {
    const start = startOf(unit, instant);
    counts.set(start, (counts.get(start) ?? 0) + 1);
  }
  return [...counts].map(([start, count]) => ({ start, counts: [count] }));
}

function foldedFrom(instants: readonly number[], from: number, until: number, zone: string) {
  const { bounds, unit } = barsOf(from, until, zone);
  const asked = unit as "HOUR" | "DAY" | "MONTH";
  const layers = layersOf(bounds, unit).map((spans) =>
    timeline(
      instants.filter((each) => spans.some((span) => span.from <= each && each < span.until)),
      asked,
    ),
  );
  return { bounds, counts: folded(bounds, unit, timeline(instants, asked), layers) };
}

test("whole hours from UTC, days are made of hours and nothing is counted apart", () => {
  const { bounds, unit } = barsOf(
    at("2026-11-01T00:00Z"),
    at("2026-11-26T12:00Z"),
    "Europe/Berlin",
  );
  expect(unit).toBe("HOUR");
  expect(bounds.slice(0, 2)).toEqual([at("2026-11-01T00:00Z"), at("2026-11-01T23:00Z")]);
  expect(layersOf(bounds, unit)).toEqual([]);
});

test("half an hour from UTC, the second halves of the hours of midnights are counted apart", () => {
  const { bounds, unit } = barsOf(at("2026-11-01T00:00Z"), at("2026-11-11T00:00Z"), "Asia/Kolkata");
  const [layer = [], ...others] = layersOf(bounds, unit);
  expect(others).toEqual([]);
  expect(layer).toHaveLength(10);
  expect(layer[0]).toEqual({ from: at("2026-11-01T18:30Z"), until: at("2026-11-01T19:00Z") });
});

test("what happened around midnight is in the day that the reader had", () => {
  const instants = [at("2026-11-01T18:29:59.999Z"), at("2026-11-01T18:30:00Z")];
  const [from, until] = [at("2026-10-31T18:30Z"), at("2026-11-20T18:30Z")];
  const { counts } = foldedFrom(instants, from, until, "Asia/Kolkata");
  expect(counts.slice(0, 3)).toEqual([[1], [1], [0]]);
});

test("days have 23 or 25 hours when the clocks change", () => {
  const hours = (from: string, until: string, zone: string) => {
    const { bounds } = barsOf(at(from), at(until), zone);
    return bounds.slice(1).map((bound, index) => (bound - (bounds[index] ?? 0)) / HOUR_MS);
  };
  expect(hours("2026-03-20T23:00Z", "2026-03-30T22:00Z", "Europe/Berlin")).toContain(23);
  expect(hours("2026-10-20T22:00Z", "2026-10-30T23:00Z", "Europe/Berlin")).toContain(25);
  expect(hours("2026-03-25T13:00Z", "2026-04-10T13:30Z", "Australia/Lord_Howe")).toContain(24.5);
});

test("weeks begin on Monday, months on the first, in the reader's zone", () => {
  const weeks = barsOf(at("2026-01-01T12:00Z"), at("2026-06-01T00:00Z"), "America/New_York");
  expect(weeks.width).toBe("week");
  expect(weeks.bounds[1]).toBe(at("2026-01-05T05:00Z"));
  const months = barsOf(at("2024-01-15T12:00Z"), at("2026-06-01T00:00Z"), "Asia/Kathmandu");
  expect(months.width).toBe("month");
  expect(months.bounds[1]).toBe(at("2024-01-31T18:15Z"));
});

test("an hour has twelve bars, and a range that goes on ends with its last one", () => {
  const now = at("2026-11-26T12:03:20Z");
  const until = endOfLastBar(now - HOUR_MS, now, "UTC");
  expect(until).toBe(at("2026-11-26T12:05Z"));
  const { bounds, unit } = barsOf(now - HOUR_MS, until, "UTC");
  expect(bounds).toHaveLength(14);
  expect(layersOf(bounds, unit)).toHaveLength(11);
});

test("pieces that were counted later than the whole make no bar negative", () => {
  const bounds = [at("2026-11-26T12:00Z"), at("2026-11-26T12:30Z"), at("2026-11-26T13:00Z")];
  const start = at("2026-11-26T12:00Z");
  const later = [[{ start, counts: [3] }]];
  expect(folded(bounds, "HOUR", [{ start, counts: [2] }], later)).toEqual([[0], [3]]);
});

test("every execution is in the bar of its instant, in every zone and over any range", () => {
  const ranges = fc.record({
    zone: fc.constantFrom(...ZONES),
    from: fc.integer({ min: at("2010-12-20T00:00Z"), max: at("2026-11-26T00:00Z") }),
    length: fc.oneof(
      ...[HOUR_MS, DAY_MS, 7 * DAY_MS, 60 * DAY_MS, 400 * DAY_MS, 3_000 * DAY_MS].map((max) =>
        fc.integer({ min: 60_000, max }),
      ),
    ),
    shares: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 20 }),
  });
  fc.assert(
    fc.property(ranges, ({ zone, from, length, shares }) => {
      const instants = shares.map((share) => Math.floor(from + share * length));
      const { bounds, counts } = foldedFrom(instants, from, from + length, zone);
      const expected = bounds.slice(0, -1).map((bound, index) => {
        const end = bounds[index + 1] ?? 0;
        return instants.filter((each) => bound <= each && each < end).length;
      });
      expect(counts.map(([count = 0]) => count)).toEqual(
        instants.length > 0 ? expected : expected.map(() => 0),
      );
    }),
    { numRuns: 150 },
  );
});

test("bars of a day or longer begin at midnight of the zone", () => {
  const from = fc.integer({ min: at("2010-12-20T00:00Z"), max: at("2026-11-26T00:00Z") });
  const days = fc.integer({ min: 9, max: 900 });
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), from, days, (zone, begins, length) => {
      const { bounds } = barsOf(begins, begins + length * DAY_MS, zone);
      expect(bounds.length).toBeLessThanOrEqual(66);
      for (const [index, bound] of bounds.slice(1, -1).entries()) {
        expect(bound).toBeGreaterThan(bounds[index] ?? 0);
        expect(startOfDay(bound, zone)).toBe(bound);
      }
    }),
    { numRuns: 60 },
  );
});

test("blocks of hours begin by the clock, on days when it changes too", () => {
  const { bounds, width } = barsOf(
    at("2026-10-22T00:00Z"),
    at("2026-10-28T00:00Z"),
    "Europe/Berlin",
  );
  expect(width).toBe("block");
  for (const bound of bounds.slice(1, -1)) {
    expect(wallTimeAt(bound, "Europe/Berlin").hour % 3).toBe(0);
    expect(offsetAt(bound, "Europe/Berlin") % HOUR_MS).toBe(0);
  }
});
