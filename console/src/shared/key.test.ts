import { afterEach, expect, test, vi } from "vitest";

import { canBeKey, keepKey, readKey } from "./key";

afterEach(() => vi.unstubAllGlobals());

test("a key is kept by the page where the browser keeps nothing", () => {
  const refuse = () => {
    throw new DOMException("The storage is off", "SecurityError");
  };
  vi.stubGlobal("sessionStorage", { getItem: refuse, setItem: refuse, removeItem: refuse });
  expect(readKey()).toBeNull();
  keepKey("egw_1");
  expect(readKey()).toBe("egw_1");
  keepKey(null);
  expect(readKey()).toBeNull();
});

test.each(["egw_aB3-_x", "secret"])("%s can be a key", (text) => expect(canBeKey(text)).toBe(true));

test.each(["", "egw_a…", "egw a", "egw_a\r\nX-Other: 1"])("%j can't be a key", (text) =>
  expect(canBeKey(text)).toBe(false),
);
