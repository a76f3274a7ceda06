import { expect, test } from "vitest";

import DOCUMENTATION from "../../../../docs/console.md?raw";
import { KEYS } from "./keys";
import { parseFilter } from "./language";

const AT = { now: new Date("2026-11-26T12:00:00Z"), zone: "UTC" };
const ROWS = DOCUMENTATION.split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map(codesIn));

function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

test("all keys are documented, and no others", () => {
  const documented = ROWS.flatMap(([, keys = []]) => keys);
  expect(documented.sort()).toEqual(KEYS.map(({ key }) => key).sort());
});

test.each([
  ...ROWS.flatMap(([, , , examples = []]) => examples),
  ...KEYS.map((key) => key.example),
])("the example %s is understood", (example) => {
  expect(parseFilter(example, AT).problems).toEqual([]);
});
