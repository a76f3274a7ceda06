import { expect, test } from "vitest";

import { barsOf } from "./bars";
import { linesUpTo, ticksOf, wordsFor } from "./labels";

const at = (text: string) => Date.parse(text);
const ROOM = 12;
const DAY_MS = 24 * 60 * 60_000;

function labels(from: string, until: string, zone: string) {
  return ticksOf(barsOf(at(from), at(until), zone), ROOM, zone, "en-GB").map(({ text }) => text);
}

test("labels are at even times of the clock, with the day at midnight", () => {
  expect(labels("2026-11-25T12:10Z", "2026-11-26T13:00Z", "UTC")).toEqual([
    "15:00",
    "18:00",
    "21:00",
    "26 Nov",
    "03:00",
    "06:00",
    "09:00",
    "12:00",
  ]);
});

test("each time is there once, half an hour from UTC too", () => {
  for (const [from, until] of [
    ["2026-11-26T00:00Z", "2026-11-26T12:00Z"],
    ["2026-11-25T12:00Z", "2026-11-26T12:00Z"],
    ["2026-11-19T12:00Z", "2026-11-26T12:00Z"],
  ] as const) {
    for (const zone of ["UTC", "Asia/Kolkata", "Asia/Kathmandu"]) {
      const found = ticksOf(barsOf(at(from), at(until), zone), ROOM, zone, "en-GB");
      expect(found.length).toBeGreaterThan(3);
      expect(found.length).toBeLessThanOrEqual(ROOM + 1);
      const gaps = found.slice(1).map((tick, index) => tick.at - (found[index]?.at ?? 0));
      expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
    }
  }
});

test("no label of a day is wider than what is left of the bars", () => {
  for (let days = 2; days <= 62; days += 1) {
    const bars = barsOf(at("2026-10-01T00:00Z"), at("2026-10-01T00:00Z") + days * DAY_MS, "UTC");
    const found = ticksOf(bars, ROOM, "UTC", "en-GB");
    const left = bars.bounds.length - 1.5 - (found.at(-1)?.at ?? 0);
    // A label takes less than two thirds of its room, and half of it is to the right.
    expect(left).toBeGreaterThanOrEqual((bars.bounds.length - 1) / ROOM / 3);
  }
});

test("the heading says what a bar is, and whose hours where they are not the reader's", () => {
  const words = (from: string, zone: string) =>
    wordsFor(barsOf(at(from), at("2026-11-26T12:00Z"), zone), zone);
  expect(words("2026-11-26T11:00Z", "Asia/Kolkata")).toBe("per five minutes");
  expect(words("2026-11-25T12:00Z", "UTC")).toBe("per hour");
  expect(words("2026-11-25T12:00Z", "Asia/Kolkata")).toBe("per hour of UTC");
  expect(words("2026-11-01T12:00Z", "Asia/Kolkata")).toBe("per day");
});

test("lines are at few whole numbers, up to the most", () => {
  expect(linesUpTo(0)).toEqual([0, 1]);
  expect(linesUpTo(1)).toEqual([0, 1]);
  expect(linesUpTo(19)).toEqual([0, 5, 10, 15, 20]);
  expect(linesUpTo(21)).toEqual([0, 5, 10, 15, 20, 25]);
  expect(linesUpTo(1_234)).toEqual([0, 500, 1_000, 1_500]);
});
