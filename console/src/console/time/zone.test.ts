import { expect, test, vi } from "vitest";

import { instantOf, offsetAt, offsetName, startOfDay, startOfNextDay, wallTimeAt } from "./zone";

const at = (text: string) => Date.parse(text);
const wall = (year: number, month: number, day: number, hour = 0, minute = 0) => ({
  year,
  month,
  day,
  hour,
  minute,
  second: 0,
});

test("the clocks of a zone, also of one with half hours", () => {
  expect(wallTimeAt(at("2026-11-26T20:45:00Z"), "Asia/Kolkata")).toEqual(wall(2026, 11, 27, 2, 15));
  expect(offsetAt(at("2026-11-26T20:45:00.250Z"), "Asia/Kathmandu")).toBe(345 * 60_000);
  expect(offsetName(at("2026-11-26T20:45:00Z"), "Asia/Kolkata")).toBe("UTC+05:30");
  expect(offsetName(at("2026-11-26T20:45:00Z"), "America/St_Johns")).toBe("UTC−03:30");
  expect(offsetName(at("2026-11-26T20:45:00Z"), "UTC")).toBe("UTC");
});

test("a time on the wall is an instant, before and after clocks change", () => {
  const zone = "Europe/Berlin";
  expect(instantOf(wall(2026, 3, 29, 1, 59), zone)).toBe(at("2026-03-29T00:59:00Z"));
  expect(instantOf(wall(2026, 3, 29, 3, 0), zone)).toBe(at("2026-03-29T01:00:00Z"));
  expect(instantOf(wall(2026, 10, 25, 1, 30), zone)).toBe(at("2026-10-24T23:30:00Z"));
});

test("a time that comes twice is the first of both, and one that never comes is what it would have been", () => {
  const zone = "Europe/Berlin";
  expect(instantOf(wall(2026, 10, 25, 2, 30), zone)).toBe(at("2026-10-25T00:30:00Z"));
  expect(instantOf(wall(2026, 3, 29, 2, 30), zone)).toBe(at("2026-03-29T01:30:00Z"));
});

test("days begin at midnight of the zone, and last 23 hours when clocks are put forward", () => {
  const zone = "Europe/Berlin";
  const noon = at("2026-03-29T10:00:00Z");
  expect(startOfDay(noon, zone)).toBe(at("2026-03-28T23:00:00Z"));
  expect(startOfNextDay(noon, zone) - startOfDay(noon, zone)).toBe(23 * 3_600_000);
  expect(startOfNextDay(at("2026-12-31T23:30:00Z"), "UTC")).toBe(at("2027-01-01T00:00:00Z"));
});

test("instants before our era's first century are read as they are", () => {
  const instant = at("0050-01-01T00:00:00Z");
  expect(instantOf(wallTimeAt(instant, "UTC"), "UTC")).toBe(instant);
});

test("an offset is asked of the browser once", () => {
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, "formatToParts");
  const instant = at("2031-05-06T07:08:09Z");
  expect(offsetAt(instant, "Asia/Kathmandu")).toBe(345 * 60_000);
  expect(offsetAt(instant + 999, "Asia/Kathmandu")).toBe(345 * 60_000);
  expect(asked).toHaveBeenCalledTimes(1);
  asked.mockRestore();
});
