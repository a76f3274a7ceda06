import { expect, test } from "vitest";

import { entriesOf, jsonOf, nameIn, numberIn, opensAtFirst } from "./json";

test("lists and objects have entries, and nothing else has", () => {
  expect(entriesOf(["a"])).toEqual([[0, "a"]]);
  expect(entriesOf({ a: null })).toEqual([["a", null]]);
  expect([null, "a", 1, true].map(entriesOf)).toEqual([null, null, null, null]);
});

test("what is large or deep is closed at first", () => {
  expect(opensAtFirst(1_000, 0)).toBe(true);
  expect(opensAtFirst(3, 2)).toBe(true);
  expect(opensAtFirst(11, 1)).toBe(false);
  expect(opensAtFirst(1, 3)).toBe(false);
});

test("a name that can't be seen as it is has quotation marks", () => {
  expect(["a.b", "", " a", "a\nb", 'a"', "a b"].map(nameIn)).toEqual([
    "a.b",
    '""',
    '" a"',
    '"a\\nb"',
    '"a\\""',
    '"a b"',
  ]);
});

test("a character of a name that is not seen is written by its number", () => {
  expect(["a\u200b", "\u202etxt", "a\u2066", "\u0085", "a\u{e0041}"].map(nameIn)).toEqual([
    '"a\\u200b"',
    '"\\u202etxt"',
    '"a\\u2066"',
    '"\\u0085"',
    '"a\\udb40\\udc41"',
  ]);
});

test("a number that the browser can't keep is the nearest one, and said to be", () => {
  const read = (text: string) => numberIn(JSON.parse(text) as number);
  expect(read("9007199254740991")).toEqual({ nearest: 9_007_199_254_740_991, isRounded: false });
  expect(read("0.1")).toEqual({ nearest: 0.1, isRounded: false });
  expect(read("9007199254740993")).toMatchObject({ isRounded: true });
  expect(read("-1e400")).toEqual({ nearest: -Number.MAX_VALUE, isRounded: true });
});

test("a value is written as JSON with every number in it, and says if one may be rounded", () => {
  const exact = { a: [1.5, null, "b"] };
  expect(jsonOf(exact)).toEqual({ text: JSON.stringify(exact, null, 2), isRounded: false });
  const { text, isRounded } = jsonOf({ a: [JSON.parse("1e400"), 1] });
  expect(JSON.parse(text)).toEqual({ a: [Number.MAX_VALUE, 1] });
  expect(isRounded).toBe(true);
});
