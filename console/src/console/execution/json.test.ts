import { expect, test } from "vitest";

import { entriesOf, MOST_CHARACTERS, nameIn, opensAtFirst, piecesOf } from "./json";

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

test("a text is cut between characters", () => {
  const text = `${"a".repeat(MOST_CHARACTERS - 1)}😀b`;
  expect(piecesOf(text, 1)).toEqual({ shown: text.slice(0, -1), left: 1 });
  expect(piecesOf("short", 1)).toEqual({ shown: "short", left: 0 });
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
