import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { preloadWhenSettled } from "./preload";

let isBusy: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  isBusy = true;
  vi.stubGlobal("document", { querySelector: () => (isBusy ? {} : null) });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const part = () => ({ preload: vi.fn() });

test("parts are loaded when nothing else is any more, and once", () => {
  const [one, other] = [part(), part()];
  preloadWhenSettled(one, other);
  vi.advanceTimersByTime(60_000);
  expect(one.preload).not.toHaveBeenCalled();
  isBusy = false;
  vi.advanceTimersByTime(60_000);
  expect(one.preload).toHaveBeenCalledTimes(1);
  expect(other.preload).toHaveBeenCalledTimes(1);
});

test("nothing is loaded for a page that is no longer there", () => {
  const later = part();
  const end = preloadWhenSettled(later);
  isBusy = false;
  end();
  vi.advanceTimersByTime(60_000);
  expect(later.preload).not.toHaveBeenCalled();
});
