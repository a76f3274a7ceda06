import { expect, test } from "vitest";

import { inALine, MOST_CHARACTERS, piecesOf } from "./texts";

test("a text is cut between characters", () => {
  const text = `${"a".repeat(MOST_CHARACTERS - 1)}😀b`;
  expect(piecesOf(text, 1)).toEqual({ shown: text.slice(0, -1), left: 1 });
  expect(piecesOf("short", 1)).toEqual({ shown: "short", left: 0 });
});

test("a text in a line ends with an ellipsis if it is longer than 200 characters", () => {
  expect(inALine("a".repeat(200))).toBe("a".repeat(200));
  expect(inALine("a".repeat(201))).toBe(`${"a".repeat(200)}…`);
  expect(inALine("")).toBe("");
});

test("a text in a line is cut between characters", () => {
  const before = "a".repeat(199);
  expect(inALine(`${before}😀`)).toBe(`${before}😀`);
  expect(inALine(`${before}😀b`)).toBe(`${before}😀…`);
});
