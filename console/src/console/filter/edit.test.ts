import { expect, test } from "vitest";

import { termAbout, withTerm } from "./edit";
import { parseFilter, term } from "./language";

const AT = { now: new Date("2026-11-26T12:00:00Z"), zone: "UTC" };

function changed(text: string, values: readonly string[]) {
  const parsed = parseFilter(text, AT);
  return withTerm(text, parsed, "state", values.length > 0 ? term("state", values) : null);
}

test("a term is added after the others", () => {
  expect(changed("", ["ERROR"])).toBe("state:ERROR");
  expect(changed("flow:x ", ["ERROR"])).toBe("flow:x state:ERROR");
});

test("a term takes the place of the one that was there", () => {
  expect(changed("state:error  flow:x", ["ERROR", "TIMEOUT"])).toBe("state:ERROR,TIMEOUT  flow:x");
});

test("a term is taken out, and what can't be understood stays", () => {
  expect(changed("wrong:x state:ERROR  flow:y", [])).toBe("wrong:x flow:y");
  expect(changed("state:ERROR", [])).toBe("");
});

test("a menu is about the first term with its key", () => {
  const parsed = parseFilter("state:ERROR -state:STOPPED", AT);
  expect(termAbout(parsed, "state")).toEqual(term("state", ["ERROR"]));
  expect(termAbout(parsed, "flow")).toBeNull();
  // What is only an alternative is not what all that is listed have.
  expect(termAbout(parseFilter("state:ERROR OR duration>1h", AT), "state")).toBeNull();
});
