import { expect, test } from "vitest";

import { completed, completionsAt, placeAt } from "./completions";
import { KEYS } from "./keys";

const NAMES = {
  flows: ["Billing agent", "none"],
  flowIds: [{ id: "f 1", name: "Billing agent" }],
  sessions: ["s-1", "s-2"],
};

/** What a text with the caret at `|` becomes by the completion with a name. */
function completedBy(marked: string, name: string) {
  const caret = marked.indexOf("|");
  const text = marked.replace("|", "");
  const place = placeAt(text, caret);
  const chosen = completionsAt(place, NAMES).find((each) => each.name === name);
  if (!chosen) return null;
  const then = completed(text, place, chosen);
  return `${then.text.slice(0, then.caret)}|${then.text.slice(then.caret)}`;
}

test.each([
  ["|", "state:", "state:|"],
  ["sta|", "state:", "state:|"],
  ["-sta|", "state:", "-state:|"],
  ["err|", "ERROR", "state:ERROR |"],
  ["du|", "duration>", "duration>|"],
  ["bil|", "Billing agent", 'flow="Billing agent" |'],
  ["state:|", "ERROR", "state:ERROR |"],
  ["state:er| x", "ERROR", "state:ERROR| x"],
  ["state:ERROR,|", "TIMEOUT", "state:ERROR,TIMEOUT |"],
  ["state:in|,ERROR", "INPROGRESS", "state:INPROGRESS|,ERROR"],
  ["flow:bil|", "Billing agent", 'flow:"Billing agent" |'],
  ['flow:"bil| state:ERROR', "Billing agent", 'flow:"Billing agent"| state:ERROR'],
  ["flow:|", "any", "flow:any |"],
  ["flow-id:|", "f 1", 'flow-id:"f 1" |'],
  ["session:s|", "s-2", "session:s-2 |"],
  ["x |y", "state:", "x state:|y"],
  ["state:ERROR o|", "OR", "state:ERROR OR |"],
  ["duration>|", "10s", "duration>10s |"],
  ["after:|", "today", "after:today |"],
])("%s with %s becomes %s", (marked, name, then) => {
  expect(completedBy(marked, name)).toBe(then);
});

test("a name that is a word of the language is put in quotation marks", () => {
  expect(completedBy("flow=no|", "none")).toBe('flow="none" |');
});

test("values that are there already are not proposed again", () => {
  expect(completedBy("state:ERROR,|", "ERROR")).toBeNull();
});

test("at the beginning of a term, all keys are proposed", () => {
  const proposed = completionsAt(placeAt("state:ERROR ", 12), NAMES);
  expect(proposed.map(({ text }) => text.slice(0, -1))).toEqual(KEYS.map(({ key }) => key));
});
