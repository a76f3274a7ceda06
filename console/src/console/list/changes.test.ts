import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { guids, look, fakeExecution, numbers, opened, settle, targeted } from "./fakeList";
import type { Asked } from "./source";

const BY_STATE: Asked = { filter: null, orderBy: [{ field: "STATE", direction: "ASC" }] };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

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

test("very many new executions are counted once each, and loaded anew", async () => {
  const { source, store } = await opened(1_000);
  store.setReading(true);
  for (let number = 1_001; number <= 4_000; number += 1) {
    source.create(number);
    source.send({
      type: "UPDATED",
      matches: true,
      guid: String(number),
      execution: fakeExecution(number),
    });
  }
  await settle();
  expect(store.get()).toMatchObject({ fresh: 3_000, total: 4_000 });
  expect(guids(store)[0]).toBe("1000");
  store.setReading(false);
  await settle();
  expect(guids(store)[0]).toBe("4000");
  expect(store.get()).toMatchObject({ fresh: 0, total: 4_000 });
});

test("rows that came by events are scrolled past, and come back", async () => {
  const { source, store } = await opened(3_000);
  for (let number = 3_001; number <= 5_000; number += 1) {
    source.create(number);
    if (number % 50 === 0) await settle();
  }
  expect(store.get().window.rows.every(({ cursor }) => cursor === null)).toBe(true);
  source.asked = [];
  for (let first = 0; first < 3_000; first += 20) {
    expect(await look(store, first)).toEqual(numbers(5_000 - first));
  }
  for (let first = 3_000; first >= 0; first -= 20) {
    expect(await look(store, first)).toEqual(numbers(5_000 - first));
  }
  expect(source.asked.length).toBeLessThan(60);
});

test("a place among rows that came by events is found again", async () => {
  const { source, store } = await opened(1_000);
  for (let number = 1_001; number <= 1_040; number += 1) source.create(number);
  await settle();
  await look(store, 30);
  expect(store.place()).toEqual({ guid: "1011", cursor: null, position: 30 });
  store.reload();
  await settle();
  expect(targeted(store)).toBe("1010");
});

test("a thousand changes a second for a minute are shown together, and few of them are kept", async () => {
  const { source, store } = await opened(1_000);
  store.setReading(true);
  const told = vi.fn();
  store.subscribe(told);
  for (let number = 1_001; number <= 61_000; number += 1) {
    source.send({
      type: "CREATED",
      matches: true,
      guid: String(number),
      execution: fakeExecution(number),
    });
    if (number % 100 === 0) await settle();
  }
  await settle();
  expect(told.mock.calls.length).toBeLessThan(700);
  const { fresh, total, window } = store.get();
  expect([fresh, total, window.rows.length]).toEqual([60_000, 61_000, 100]);
});

test("a row changes in place, and stays when it no longer matches", async () => {
  const { source, store } = await opened(1_000);
  const updatedOn = "2026-11-27T00:00:00Z";
  const changed = fakeExecution(999, { state: "STOPPED", updatedOn });
  source.send({ type: "UPDATED", matches: true, guid: "999", execution: changed });
  source.send({ type: "UPDATED", matches: false, guid: "998", execution: fakeExecution(998) });
  source.send({ type: "DELETED", matches: false, guid: "997", execution: fakeExecution(997) });
  await settle();
  const { window, total } = store.get();
  expect(window.rows.slice(1, 4).map(({ standing }) => standing)).toEqual([
    "matches",
    "left",
    "deleted",
  ]);
  expect(window.rows[1]?.state).toBe("STOPPED");
  expect(total).toBe(998);
  source.send({ type: "UPDATED", matches: true, guid: "998", execution: fakeExecution(998) });
  await settle();
  expect(store.get().window.rows[2]?.standing).toBe("matches");
  expect(store.get().total).toBe(999);
});

test("a change that came before the page with its row is in it", async () => {
  const { source, store } = await opened(1_000);
  const page = source.page;
  source.page = async (...given) => {
    const old = await page(...given);
    const changed = fakeExecution(850, { state: "ERROR", updatedOn: "2026-11-27T00:00:00Z" });
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
    source.send({
      type: "UPDATED",
      matches: true,
      guid: `${number}`,
      execution: fakeExecution(number),
    });
  }
  await settle();
  expect(guids(store)).toEqual(["9", "7", "5"]);
  expect(store.get().total).toBe(3);
});

test("in another order rows stay where they are, and changes are counted", async () => {
  const { source, store } = await opened(1_000, BY_STATE);
  const changed = fakeExecution(999, { state: "STOPPED" });
  source.send({ type: "UPDATED", matches: true, guid: "999", execution: changed });
  source.send({ type: "UPDATED", matches: true, guid: "998", execution: fakeExecution(998) });
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

test("when changes are no longer kept, what is pointed at stays where it is", async () => {
  const { source, store } = await opened(1_000);
  store.setReading(true);
  const { target, window } = store.get();
  for (let number = 1_001; number <= 1_250; number += 1)
    source.nodes.unshift(fakeExecution(number));
  source.forget();
  await settle();
  expect(store.get().target).toBe(target);
  const after = store.get().window;
  // Whoever scrolls has moved with the space.
  const first = after.shift - window.shift;
  expect(await look(store, first)).toEqual(numbers(1_000));
  expect(await look(store, 0)).toEqual(numbers(1_100));
  expect(store.get().total).toBe(1_250);
});

test("where only the gateway can tell how many match, it is asked once", async () => {
  const { source, store } = await opened(1_000);
  source.nodes.push(fakeExecution(-1));
  for (const number of [1, 2]) {
    source.send({
      type: "UPDATED",
      matches: true,
      guid: `${number}`,
      execution: fakeExecution(number),
    });
  }
  const count = vi.spyOn(source, "count");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(store.get().total).toBe(1_001);
  expect(count).toHaveBeenCalledTimes(1);
});
