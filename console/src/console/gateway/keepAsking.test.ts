import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Gateway } from "./client";
import { keepAsking } from "./keepAsking";

const told = { found: vi.fn(), refused: vi.fn() };
// What is imported looks at it.
const page = vi.hoisted(() => {
  const document = { hidden: false, baseURI: "http://gateway.test/" };
  const made = Object.assign(new EventTarget(), document);
  vi.stubGlobal("document", made);
  return made;
});

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-26T12:00:00Z") });
  page.hidden = false;
});
afterEach(() => vi.useRealTimers());

/** A gateway that tells of events, and a question that takes so long, with the times of asking it. */
function gatewayThatTakes(length: number) {
  const asked: number[] = [];
  let next: () => void = () => undefined;
  const find = async () => {
    asked.push(Date.now());
    await new Promise((resolve) => setTimeout(resolve, length));
    return { filter: null, eventCursor: "0" };
  };
  const gateway = {
    live: {
      follow: (
        _operation: unknown,
        _variables: unknown,
        follower: { next(data: unknown): void },
      ) => {
        next = () => follower.next({ executionEvents: { cursor: "1" } });
        return () => (next = () => undefined);
      },
    },
  };
  return { gateway: gateway as unknown as Gateway, find, asked, tell: () => next() };
}

async function withEvents(seconds: number, tell: () => void) {
  for (let millisecond = 0; millisecond < seconds * 1_000; millisecond += 1) {
    tell();
    await vi.advanceTimersByTimeAsync(1);
  }
}

test("a thousand events a second are asked about every four seconds", async () => {
  const { gateway, find, asked, tell } = gatewayThatTakes(50);
  const stop = keepAsking(gateway, find, told);
  await withEvents(19, tell);
  stop();
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  expect(gaps).toEqual([4_000, 4_000, 4_000, 4_000]);
});

test("a gateway that takes long is asked for a fifth of the time at most", async () => {
  const { gateway, find, asked, tell } = gatewayThatTakes(3_000);
  const stop = keepAsking(gateway, find, told);
  await withEvents(40, tell);
  stop();
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  expect(gaps).toEqual([15_000, 15_000]);
});

test("one change is asked about once, and nothing but time is a change a minute later", async () => {
  const { gateway, find, asked, tell } = gatewayThatTakes(50);
  const stop = keepAsking(gateway, find, told);
  await vi.advanceTimersByTimeAsync(1_000);
  tell();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveLength(3);
  stop();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toHaveLength(3);
});

test("a hidden page asks for nothing until it is shown again", async () => {
  const { gateway, find, asked, tell } = gatewayThatTakes(50);
  const stop = keepAsking(gateway, find, told);
  await vi.advanceTimersByTimeAsync(1_000);
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  await withEvents(10, tell);
  expect(asked).toHaveLength(1);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(10);
  expect(asked).toHaveLength(2);
  stop();
});
