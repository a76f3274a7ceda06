import { expect, test } from "vitest";

import { changeOf, numberIn, pointsOf, successRate, totalOf } from "./comparison";

// In progress, finished, error, terminated, timeout, stopped.
const COUNTS = [5, 80, 10, 4, 6, 95];

test("what is still running and what a person stopped is neither success nor failure", () => {
  expect(successRate(COUNTS)).toBe(0.8);
  expect(successRate([5, 0, 0, 0, 0, 7])).toBeNull();
  expect(numberIn(COUNTS, "ERROR", "TIMEOUT")).toBe(16);
  expect(totalOf(COUNTS)).toBe(200);
});

test("a number is compared by its share, a share by points", () => {
  expect(changeOf(150, 100)).toEqual({ direction: "up", share: 0.5 });
  expect(changeOf(3, 0)).toEqual({ direction: "up", share: null });
  expect(changeOf(0, 0)).toEqual({ direction: "same", share: null });
  expect(pointsOf(0.8, 0.8126)).toEqual({ direction: "down", points: 1.3 });
  expect(pointsOf(0.80001, 0.8)).toEqual({ direction: "same", points: 0 });
});
