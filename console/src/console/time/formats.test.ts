import { expect, test } from "vitest";

import { formatsFor } from "./formats";

const formats = formatsFor("en-GB", "Asia/Kolkata");

test.each([
  [0, "0ms"],
  [999, "999ms"],
  [1_000, "1s"],
  [12_340, "12.3s"],
  [59_999, "59.9s"],
  [125_000, "2m05s"],
  [3_599_999, "59m59s"],
  [3_725_000, "1h02m"],
  [90_000_000, "1d01h"],
  [100_000_000_000, "1157d09h"],
  [-1_500, "−1.5s"],
])("%d ms are written as %j", (length, words) => {
  expect(formats.duration(length)).toBe(words);
});

test("an instant is written in the zone, with its year where that is another one", () => {
  expect(formats.instant("2023-11-14T22:13:20.000Z")).toBe("15 Nov 2023, 03:43:20");
  const now = new Date();
  expect(formats.instant(now.getTime())).not.toContain(String(now.getUTCFullYear()));
});

test("an instant is written exactly with its zone", () => {
  expect(formats.exactly("2023-11-14T22:13:20.042Z")).toMatch(
    /^Wednesday,? 15 November 2023, 03:43:20.042 UTC\+05:30$/,
  );
});

test("numbers and shares are written as the reader does", () => {
  const german = formatsFor("de-DE", "UTC");
  expect(german.number(1234567.5)).toBe("1.234.567,5");
  expect(german.percent(0.9741)).toBe("97,4\u00a0%");
});

test.each([
  [0, "$0.00"],
  [0.0004, "$0.0004"],
  [0.000412678, "$0.000413"],
  [0.5, "$0.50"],
  [1234.567, "$1,234.57"],
])("%d dollars are written as %j", (amount, words) => {
  expect(formatsFor("en-US", "UTC").dollars(amount)).toBe(words);
});

test("dollars are written as the reader writes them", () => {
  expect(formatsFor("de-DE", "UTC").dollars(0.0004)).toBe("0,0004\u00a0$");
});

test("numbers and lengths have the digits and the groups of the reader", () => {
  const indian = formatsFor("en-IN", "UTC");
  expect(indian.number(12_345_678)).toBe("1,23,45,678");
  const egyptian = formatsFor("ar-EG", "UTC");
  expect(egyptian.number(1_234)).toBe("١٬٢٣٤");
  expect(egyptian.duration(125_000)).toBe("٢m٠٥s");
  expect(egyptian.duration(1_500)).toBe("١٫٥s");
  expect(formatsFor("de", "UTC").duration(1_500)).toBe("1,5s");
});

test("days, their parts and offsets are written in the reader's words", () => {
  const german = formatsFor("de", "UTC");
  expect(german.instant("2023-10-14T22:13:20Z")).toBe("14. Okt. 2023, 22:13:20");
  expect(german.between("2023-10-01T00:00Z", "2023-10-03T00:00Z")).toMatch(
    /^1\.\s?–\s?2\. Okt\. 2023$/,
  );
  expect(formatsFor("ar-EG", "UTC").time("2023-10-14T22:13:20Z")).toMatch(/^١٠:١٣:٢٠/);
});

test("how long ago is told in the largest unit that fits", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  expect(formats.ago(now - 3_000, now)).toBe("3 seconds ago");
  expect(formats.ago(now - 150_000, now)).toBe("2 minutes ago");
  expect(formats.ago(now - 86_400_000, now)).toBe("yesterday");
  expect(formats.ago(now + 7_200_000, now)).toBe("in 2 hours");
});
