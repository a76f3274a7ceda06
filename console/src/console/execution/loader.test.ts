import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { loaderOf } from "./loader";

beforeEach(() => vi.useFakeTimers({ now: 0 }));
afterEach(() => vi.useRealTimers());

/** A loader whose loads take so long, and the times at which they began. */
function loaderThatTakes(length: number) {
  const begun: number[] = [];
  const loader = loaderOf(async () => {
    begun.push(Date.now());
    await new Promise((resolve) => setTimeout(resolve, length));
  });
  return { loader, begun };
}

async function changeEachMillisecond(milliseconds: number, change: () => void) {
  for (let at = 0; at < milliseconds; at += 1) {
    change();
    await vi.advanceTimersByTimeAsync(1);
  }
}

test("changes that are faster than loads let each load finish, a second apart", async () => {
  const { loader, begun } = loaderThatTakes(500);
  await changeEachMillisecond(4_000, () => loader.load());
  expect(begun).toEqual([0, 1_500, 3_000]);
  loader.end();
});

test("a change while something is loaded is loaded after it, once", async () => {
  const { loader, begun } = loaderThatTakes(500);
  loader.load();
  await vi.advanceTimersByTimeAsync(100);
  loader.load();
  loader.load();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(begun).toEqual([0, 1_500]);
});

test("a change after a pause is loaded at once", async () => {
  const { loader, begun } = loaderThatTakes(500);
  loader.load();
  await vi.advanceTimersByTimeAsync(2_000);
  loader.load();
  expect(begun).toEqual([0, 2_000]);
  loader.end();
});

test("what has ended loads nothing more", async () => {
  const { loader, begun } = loaderThatTakes(500);
  loader.load();
  loader.load();
  loader.end();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(begun).toEqual([0]);
});
