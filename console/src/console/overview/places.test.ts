import { expect, test } from "vitest";

import { inPlaces } from "./places";

const self = (text: string) => text;

test("rows keep their places, whatever their order would be", () => {
  expect(inPlaces(["a", "b", "c"], ["c", "a", "b"], self)).toEqual(["a", "b", "c"]);
});

test("what is new takes the place of what is gone", () => {
  expect(inPlaces(["a", "b", "c"], ["new", "c", "a"], self)).toEqual(["a", "new", "c"]);
});

test("where nothing is new, what comes after a gone row moves up", () => {
  expect(inPlaces(["a", "b", "c"], ["c", "b"], self)).toEqual(["b", "c"]);
});

test("what finds no place comes last", () => {
  expect(inPlaces(["a"], ["one", "a", "two"], self)).toEqual(["a", "one", "two"]);
});
