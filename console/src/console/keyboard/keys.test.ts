import { expect, test } from "vitest";

import { type KeyAction, KeyRegistry, nameOfKey, SECOND_KEY_WITHIN_MS } from "./keys";

function action(keys: string, name = keys): KeyAction {
  return { keys, name, group: "Anything", run: () => undefined };
}

function pressed(key: string, held: Partial<KeyboardEvent> = {}) {
  return nameOfKey({ key, ...held } as KeyboardEvent);
}

test("Caps Lock changes no key, and Shift is one with it too", () => {
  expect(pressed("J")).toBe("j");
  expect(pressed("s", { shiftKey: true })).toBe("S");
  expect(pressed("?", { shiftKey: true })).toBe("?");
});

test("keys are called by what they write, and named ones with shift", () => {
  expect(pressed("j")).toBe("j");
  expect(pressed("?", { shiftKey: true })).toBe("?");
  expect(pressed("ArrowDown", { shiftKey: true })).toBe("shift+ArrowDown");
  expect(pressed("Shift", { shiftKey: true })).toBeNull();
});

test("what is held with Control, Alt or Meta is the browser's", () => {
  expect(pressed("f", { ctrlKey: true })).toBeNull();
  expect(pressed("k", { metaKey: true })).toBeNull();
});

test("one key runs its action, and one after another those of two", () => {
  const registry = new KeyRegistry();
  registry.add(action("j"));
  registry.add(action("g e"));
  expect(registry.find("j", 0)?.name).toBe("j");
  expect(registry.find("g", 0)).toBeNull();
  expect(registry.find("e", 100)?.name).toBe("g e");
  expect(registry.find("e", 200)).toBeNull();
});

test("the second key must come soon, and may begin something else", () => {
  const registry = new KeyRegistry();
  registry.add(action("g e"));
  registry.add(action("j"));
  registry.find("g", 0);
  expect(registry.find("e", SECOND_KEY_WITHIN_MS + 1)).toBeNull();
  registry.find("g", 0);
  expect(registry.find("j", 1)?.name).toBe("j");
});

test("what is added last goes before, until it is taken away", () => {
  const registry = new KeyRegistry();
  registry.add(action("Enter", "of the page"));
  const remove = registry.add(action("Enter", "of the drawer"));
  expect(registry.find("Enter", 0)?.name).toBe("of the drawer");
  remove();
  expect(registry.find("Enter", 0)?.name).toBe("of the page");
});

test("what has nothing to act on is listed and leaves its keys to others", () => {
  const registry = new KeyRegistry();
  registry.add(action("Escape", "Close"));
  registry.add({ ...action("Escape", "Select nothing"), run: null });
  expect(registry.find("Escape", 0)?.name).toBe("Close");
  expect(registry.all().map(({ name }) => name)).toEqual(["Select nothing", "Close"]);
});

test("two parts that run the same by the same keys are listed once", () => {
  const registry = new KeyRegistry();
  registry.add(action("j", "Next execution"));
  registry.add(action("j", "Next execution"));
  expect(registry.all()).toHaveLength(1);
});
