import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Refused } from "../gateway";
import { ListStore } from "./ListStore";
import {
  guids,
  look,
  fakeExecution,
  FakeSource,
  NEWEST_FIRST,
  numbers,
  opened,
  settle,
  targeted,
} from "./fakeList";
import { endOf, lengthOf, MOST_ROWS } from "./window";

const AWAY = { kind: "away", needsKey: false, title: "Away.", detail: "" } as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a list begins with its first page, and knows how many there are", async () => {
  const { store } = await opened(1_000);
  expect(guids(store).slice(0, 3)).toEqual(["1000", "999", "998"]);
  expect(store.get().total).toBe(1_000);
  expect(lengthOf(store.get().window)).toBeGreaterThan(100);
});

test("scrolling to the end and back passes every row once, and keeps few of them", async () => {
  const { source, store } = await opened(5_000);
  const passed: string[] = [];
  for (let first = 0; first < 5_000; first += 20) passed.push(...(await look(store, first)));
  expect(passed).toEqual(numbers(5_000, 5_000));
  expect(store.get().window.rows.length).toBeLessThanOrEqual(MOST_ROWS);
  expect(source.asked.length).toBeLessThan(60);
  for (let first = 4_980; first >= 0; first -= 20) {
    expect(await look(store, first)).toEqual(numbers(5_000 - first));
  }
  expect(store.get().window.rows.length).toBeLessThanOrEqual(MOST_ROWS);
});

test("a leap back to rows that were dropped loads them alone", async () => {
  const { source, store } = await opened(5_000);
  for (let first = 0; first < 5_000; first += 20) await look(store, first);
  source.asked = [];
  expect(await look(store, 1_210)).toEqual(numbers(3_790));
  expect(source.asked.length).toBeLessThanOrEqual(4);
  expect(await look(store, 0)).toEqual(numbers(5_000));
  expect(await look(store, 4_550)).toEqual(numbers(450));
});

test("the end is a page away, and one scrolls back from there", async () => {
  const { source, store } = await opened(100_000);
  store.toEnd();
  await settle();
  expect(guids(store).at(-1)).toBe("1");
  const { window, target } = store.get();
  expect(target?.index).toBe(endOf(window) - 1);
  expect(window.lead + endOf(window)).toBe(100_000);
  expect(await look(store, window.start - 150)).toEqual(numbers(250));
  expect(source.asked.length).toBeLessThan(8);
});

test("what is before the place where one jumped to comes where one looks", async () => {
  const { store } = await opened(100_000);
  store.toEnd();
  await settle();
  const [first] = await look(store, 0);
  expect(Number(first)).toBeLessThan(500);
  expect(Number(first)).toBeGreaterThan(100);
});

test("a jump to an instant finds its place among all", async () => {
  const { store } = await opened(10_000);
  store.jump(new Date(fakeExecution(4_000).createdOn), true);
  await settle();
  const { window, target } = store.get();
  expect(targeted(store)).toBe("4000");
  expect(window.lead + (target?.index ?? 0)).toBe(6_000);
});

test("a jump to before everything leads to the end", async () => {
  const { store } = await opened(1_000);
  store.jump(new Date("2020-01-01"), true);
  await settle();
  expect(guids(store).at(-1)).toBe("1");
});

test("a page that comes after a leap to another place is left out", async () => {
  const { source, store } = await opened(10_000);
  const { page } = source;
  let answer = () => undefined as void;
  source.page = async (...asked) => {
    await new Promise<void>((resolve) => (answer = resolve));
    return await page(...asked);
  };
  store.see(90, 110);
  source.page = page;
  store.toEnd();
  await settle();
  answer();
  await settle();
  expect(guids(store)).toEqual(numbers(guids(store).length, guids(store).length));
});

test("a place is found again", async () => {
  const first = await opened(10_000);
  await look(first.store, 2_000);
  await look(first.store, 2_300);
  const place = first.store.place();
  const { store } = await opened(10_000, NEWEST_FIRST, place);
  expect(targeted(store)).toBe(String(10_000 - (place?.position ?? 0)));
});

test("a place is not lost before what is above it is there", async () => {
  const { source, store } = await opened(10_000);
  const { page } = source;
  source.page = (asked, span) =>
    "last" in span ? new Promise(() => undefined) : page(asked, span);
  store.open(NEWEST_FIRST, { guid: "6000", cursor: "6000", position: 4_001 });
  await settle();
  expect(store.place()).toEqual({ guid: "5999", cursor: "5999", position: 4_002 });
});

test("a place that is gone is the beginning", async () => {
  const { store } = await opened(100, NEWEST_FIRST, { guid: "1", cursor: "1", position: 100 });
  expect(guids(store)[0]).toBe("100");
});

test("a place that the gateway does not know is the beginning", async () => {
  const source = new FakeSource(100);
  const { start } = source;
  const refusal = { kind: "input", needsKey: false, title: "", detail: "" } as const;
  source.start = (asked, span, signal) =>
    span.after ? Promise.reject(new Refused(refusal)) : start(asked, span, signal);
  const store = new ListStore(source);
  store.open(NEWEST_FIRST, { guid: "60", cursor: "of another version", position: 40 });
  await settle();
  expect(guids(store)[0]).toBe("100");
  expect(store.get().refusal).toBeNull();
});

test("when the gateway does not answer, it is asked again", async () => {
  const source = new FakeSource(100);
  const { start } = source;
  source.start = () => Promise.reject(new Refused(AWAY));
  const store = new ListStore(source);
  store.open(NEWEST_FIRST);
  await settle();
  expect(store.get()).toMatchObject({ refusal: AWAY, isStarting: false });
  source.start = start;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(store.get().refusal).toBeNull();
  expect(guids(store)).toHaveLength(100);
});

test("a page that can't be had is asked for again, and nothing is lost", async () => {
  const { source, store } = await opened(1_000);
  const { page } = source;
  source.page = () => Promise.reject(new Refused(AWAY));
  store.see(90, 110);
  await settle();
  expect(store.get()).toMatchObject({ refusal: AWAY, isLoading: false });
  source.page = page;
  store.again();
  await settle();
  expect(guids(store)).toEqual(numbers(1_000, 200));
});
