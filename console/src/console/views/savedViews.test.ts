import { expect, test } from "vitest";

import { parseFilter } from "../filter/language";
import { BUILT_IN, MOST_VIEWS, readViews, renamed, viewOf, withView } from "./savedViews";

const ONE = { name: "One", filter: "state:ERROR", order: "", range: "7d" };
const TWO = { name: "Two", filter: "", order: "-duration", range: "" };

test("what was kept is read, and what is no view is not", () => {
  expect(readViews([ONE, TWO])).toEqual([ONE, TWO]);
  expect(readViews([ONE, { ...TWO, name: "One" }, { ...TWO, name: " " }, null, 1, {}])).toEqual([
    ONE,
  ]);
  expect(readViews(undefined)).toEqual([]);
  expect(readViews({ ONE })).toEqual([]);
});

test("there are only so many views", () => {
  const kept = Array.from({ length: MOST_VIEWS + 1 }, (_, at) => ({ ...ONE, name: `${at}` }));
  expect(readViews(kept)).toHaveLength(MOST_VIEWS);
});

test("a view is added, or takes the place of the one with its name", () => {
  expect(withView([ONE], TWO)).toEqual([ONE, TWO]);
  expect(withView([ONE, TWO], { ...TWO, name: "One" })).toEqual([{ ...TWO, name: "One" }, TWO]);
});

test("a view gets another name, and replaces the one that had it", () => {
  expect(renamed([ONE, TWO], "One", "Three")).toEqual([{ ...ONE, name: "Three" }, TWO]);
  expect(renamed([ONE, TWO], "One", "Two")).toEqual([{ ...ONE, name: "Two" }]);
  expect(renamed([ONE], "One", "One")).toEqual([ONE]);
});

test("a view is known by what it lists", () => {
  expect(viewOf([ONE, TWO], { filter: "", order: "-duration", range: "" })).toBe(TWO);
  expect(viewOf([ONE, TWO], { filter: "", order: "", range: "" })).toBeUndefined();
});

test.each(BUILT_IN)("the filter of $name is understood", ({ filter }) => {
  expect(parseFilter(filter, { now: new Date(), zone: "UTC" }).problems).toEqual([]);
});
