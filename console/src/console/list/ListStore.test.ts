import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Refused } from "../gateway";
import { ListStore } from "./ListStore";
import { made, MadeSource } from "./made";
import type { Place } from "./snapshot";
import type { Asked } from "./source";
import { endOf, lengthOf, MOST_ROWS } from "./window";

const NEWEST_FIRST: Asked = { filter: null, orderBy: [] };
const BY_STATE: Asked = { filter: null, orderBy: [{ field: "STATE", direction: "ASC" }] };

const AWAY = { kind: "away", needsKey: false, title: "Away.", detail: "" } as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function opened(count: number, asked = NEWEST_FIRST, place: Place | null = null) {
  const source = new MadeSource(count);
  const store = new ListStore(source);
  store.open(asked, place);
  await settle();
  return { source, store };
}

async function settle() {
  await vi.advanceTimersByTimeAsync(100);
}

/** What a reader sees of the store, twenty rows at a time, from one index on. */
async function look(store: ListStore, first: number) {
  let shift = store.get().window.shift;
  let seen = first;
  store.see(seen, seen + 20);
  for (let turns = 0; turns < 30; turns += 1) {
    await settle();
    const { window } = store.get();
    seen += window.shift - shift;
    shift = window.shift;
    store.see(seen, seen + 20);
  }
  const { window } = store.get();
  return window.rows.slice(seen - window.start, seen + 20 - window.start).map(({ guid }) => guid);
}

function guids(store: ListStore) {
  return store.get().window.rows.map(({ guid }) => guid);
}

/** The guid of the row that the reader is led to. */
function targeted(store: ListStore) {
  const { target, window } = store.get();
  return window.rows[(target?.index ?? 0) - window.start]?.guid;
}

function numbers(from: number, count = 20) {
  return Array.from({ length: count }, (_, index) => String(from - index));
}

// Paging

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
  store.jump(new Date(made(4_000).createdOn), true);
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

test("a place is found again", async () => {
  const first = await opened(10_000);
  await look(first.store, 2_000);
  await look(first.store, 2_300);
  const place = first.store.place();
  const { store } = await opened(10_000, NEWEST_FIRST, place);
  expect(targeted(store)).toBe(String(10_000 - (place?.position ?? 0)));
});

test("a place that is gone is the beginning", async () => {
  const { store } = await opened(100, NEWEST_FIRST, { cursor: "1", position: 100 });
  expect(guids(store)[0]).toBe("100");
});

test("a place that the gateway does not know is the beginning", async () => {
  const source = new MadeSource(100);
  const { start } = source;
  const refusal = { kind: "input", needsKey: false, title: "", detail: "" } as const;
  source.start = (asked, span, signal) =>
    span.after ? Promise.reject(new Refused(refusal)) : start(asked, span, signal);
  const store = new ListStore(source);
  store.open(NEWEST_FIRST, { cursor: "of another version", position: 40 });
  await settle();
  expect(guids(store)[0]).toBe("100");
  expect(store.get().refusal).toBeNull();
});

// Changes

test("a new execution comes at the top, when nobody is disturbed", async () => {
  const { source, store } = await opened(1_000);
  source.create(1_001);
  await settle();
  expect(guids(store).slice(0, 2)).toEqual(["1001", "1000"]);
  expect(store.get()).toMatchObject({ total: 1_001, fresh: 0 });
  expect(store.get().arriving).toEqual(new Set(["1001"]));
});

test("new executions wait while somebody reads, and come when asked for", async () => {
  const { source, store } = await opened(1_000);
  store.setReading(true);
  source.create(1_001);
  source.create(1_002);
  await settle();
  expect(store.get()).toMatchObject({ total: 1_002, fresh: 2 });
  expect(guids(store)[0]).toBe("1000");
  const pages = source.asked.length;
  store.toStart();
  expect(guids(store).slice(0, 3)).toEqual(["1002", "1001", "1000"]);
  expect(source.asked.length).toBe(pages);
});

test("very many new executions are loaded anew", async () => {
  const { source, store } = await opened(1_000);
  store.setReading(true);
  for (let number = 1_001; number <= 1_500; number += 1) source.create(number);
  await settle();
  expect(store.get().fresh).toBe(500);
  store.toStart();
  await settle();
  expect(guids(store)[0]).toBe("1500");
  expect(store.get().fresh).toBe(0);
});

test("a row changes in place, and stays when it no longer matches", async () => {
  const { source, store } = await opened(1_000);
  const updatedOn = "2026-11-27T00:00:00Z";
  const changed = made(999, { state: "STOPPED", updatedOn });
  source.send({ type: "UPDATED", matches: true, guid: "999", execution: changed });
  source.send({ type: "UPDATED", matches: false, guid: "998", execution: made(998) });
  source.send({ type: "DELETED", matches: false, guid: "997", execution: made(997) });
  await settle();
  const { window, total } = store.get();
  expect(window.rows.slice(1, 4).map(({ standing }) => standing)).toEqual([
    "matches",
    "left",
    "deleted",
  ]);
  expect(window.rows[1]?.state).toBe("STOPPED");
  expect(total).toBe(998);
  source.send({ type: "UPDATED", matches: true, guid: "998", execution: made(998) });
  await settle();
  expect(store.get().window.rows[2]?.standing).toBe("matches");
  expect(store.get().total).toBe(999);
});

test("a change that came before the page with its row is in it", async () => {
  const { source, store } = await opened(1_000);
  const page = source.page;
  source.page = async (...given) => {
    const old = await page(...given);
    const changed = made(850, { state: "ERROR", updatedOn: "2026-11-27T00:00:00Z" });
    source.send({ type: "UPDATED", matches: true, guid: "850", execution: changed });
    return old;
  };
  store.see(90, 110);
  await settle();
  const row = store.get().window.rows.find(({ guid }) => guid === "850");
  expect(row?.state).toBe("ERROR");
});

test("an execution that comes to match has its place in the order", async () => {
  const { source, store } = await opened(0);
  for (const number of [5, 9, 7]) {
    source.send({ type: "UPDATED", matches: true, guid: `${number}`, execution: made(number) });
  }
  await settle();
  expect(guids(store)).toEqual(["9", "7", "5"]);
  expect(store.get().total).toBe(3);
});

test("in another order rows stay where they are, and changes are counted", async () => {
  const { source, store } = await opened(1_000, BY_STATE);
  const changed = made(999, { state: "STOPPED" });
  source.send({ type: "UPDATED", matches: true, guid: "999", execution: changed });
  source.send({ type: "UPDATED", matches: true, guid: "998", execution: made(998) });
  source.create(1_001);
  await settle();
  expect(guids(store)[0]).toBe("1000");
  expect(store.get().fresh).toBe(2);
});

test("when changes are no longer kept, the list is loaded anew at its place", async () => {
  const { source, store } = await opened(1_000);
  await look(store, 150);
  const place = store.place();
  source.forget();
  await settle();
  expect(targeted(store)).toBe(String(1_000 - (place?.position ?? 0)));
});

test("when the gateway does not answer, it is asked again", async () => {
  const source = new MadeSource(100);
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

test("where only the gateway can tell how many match, it is asked once", async () => {
  const { source, store } = await opened(1_000);
  source.nodes.push(made(-1));
  for (const number of [1, 2]) {
    source.send({ type: "UPDATED", matches: true, guid: `${number}`, execution: made(number) });
  }
  const count = vi.spyOn(source, "count");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(store.get().total).toBe(1_001);
  expect(count).toHaveBeenCalledTimes(1);
});
