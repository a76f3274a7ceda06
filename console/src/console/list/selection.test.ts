import { expect, test } from "vitest";

import {
  all,
  extended,
  filterOf,
  includes,
  NO_SELECTION,
  sizeOf,
  some,
  toggled,
} from "./selection";

const UNTIL = "2026-11-26T12:00:00.000Z";
const BEFORE = "2026-11-26T11:00:00Z";
const [one, two, three] = ["1", "2", "3"].map((guid) => ({ guid, updatedOn: BEFORE })) as [
  { guid: string; updatedOn: string },
  { guid: string; updatedOn: string },
  { guid: string; updatedOn: string },
];

test("an execution is added, and taken out again", () => {
  const first = toggled(NO_SELECTION, one);
  expect(first).toEqual(some(["1"]));
  expect(toggled(toggled(first, two), one)).toEqual(some(["2"]));
  expect(toggled(first, one)).toBe(NO_SELECTION);
});

test("a range is added to what is selected", () => {
  expect(extended(some(["1"]), [two, three])).toEqual(some(["1", "2", "3"]));
});

test("what changes after the last change of all is not among them", () => {
  const selection = all(null, 3, UNTIL);
  expect(includes(selection, one)).toBe(true);
  expect(includes(selection, { guid: "1", updatedOn: UNTIL })).toBe(true);
  expect(includes(selection, { guid: "1", updatedOn: "2026-11-26T12:00:01Z" })).toBe(false);
  expect(all(null, 0, UNTIL)).toBe(NO_SELECTION);
});

test("executions are taken out of all, and put back", () => {
  const without = toggled(all(null, 3, UNTIL), one);
  expect(includes(without, one)).toBe(false);
  expect(sizeOf(without)).toBe(2);
  expect(toggled(without, one)).toEqual(all(null, 3, UNTIL));
  expect(extended(without, [one, two])).toEqual(all(null, 3, UNTIL));
  expect(toggled(toggled(without, two), three)).toBe(NO_SELECTION);
});

test("the filter of all names their last change, and what was taken out", () => {
  const selection = toggled(all({ state: { eq: "ERROR" } }, 3, UNTIL), one);
  expect(selection.kind === "all" && filterOf(selection)).toEqual({
    and: [{ state: { eq: "ERROR" } }, { updatedOn: { lte: UNTIL } }, { guid: { notIn: ["1"] } }],
  });
});
