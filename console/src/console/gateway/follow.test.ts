import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { type Live, live } from "./follow";
import type { Operation } from "./operation";
import type { Listener, Subscribed, Transport } from "./transport";

interface Event {
  cursor: string;
}

const EVENTS = { __meta__: { hash: "sha256:e" } } as unknown as Operation<Event, { after: string }>;

let opened: { subscribed: Subscribed; listener: Listener; isStopped: boolean }[];
let chance: () => void;
let followed: Live;

const transport: Transport = {
  open(subscribed, listener) {
    const stream = { subscribed, listener, isStopped: false };
    opened.push(stream);
    return () => void (stream.isStopped = true);
  },
  close: () => undefined,
};

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  opened = [];
  followed = live(transport, () => undefined, {
    random: () => 1,
    onChance: (retry) => {
      chance = retry;
      return () => undefined;
    },
  });
});
afterEach(() => vi.useRealTimers());

function follow() {
  const follower = {
    next: vi.fn(({ cursor }: Event) => cursor),
    expired: vi.fn(),
    refused: vi.fn(),
  };
  return { ...follower, end: followed.follow(EVENTS, { after: "0" }, follower) };
}

function newest() {
  const stream = opened.at(-1);
  if (!stream) throw new Error("Nothing was opened");
  return stream;
}

const state = () => followed.connection.get().state;

test("nothing is opened before something is followed, or left open after it", () => {
  expect(state()).toBe("idle");
  const { end } = follow();
  expect(state()).toBe("connecting");
  newest().listener.opened();
  expect(state()).toBe("connected");
  end();
  expect([state(), newest().isStopped]).toEqual(["idle", true]);
});

test("events of an open connection change nothing about it", () => {
  follow();
  newest().listener.opened();
  const told = vi.fn();
  followed.connection.subscribe(told);
  for (const cursor of ["1", "2", "3"]) newest().listener.next({ cursor });
  expect(told).not.toHaveBeenCalled();
});

test("a connection that is lost comes back after the last cursor", () => {
  const { next } = follow();
  newest().listener.opened();
  newest().listener.next({ cursor: "7" });
  newest().listener.ended();
  expect(followed.connection.get()).toEqual({
    state: "lost",
    since: 1_000_000,
    retryAt: 1_000_500,
  });
  vi.advanceTimersByTime(500);
  expect(opened).toHaveLength(2);
  expect(newest().subscribed).toEqual({ id: "sha256:e", variables: { after: "7" } });
  newest().listener.opened();
  expect(state()).toBe("connected");
  expect(next).toHaveBeenCalledOnce();
});

test("it is tried again after longer and longer, up to half a minute, and says since when it is lost", () => {
  follow();
  const waits = Array.from({ length: 9 }, () => {
    newest().listener.ended();
    const connection = followed.connection.get();
    if (connection.state !== "lost") throw new Error(connection.state);
    expect(connection.since).toBe(1_000_000);
    const wait = connection.retryAt - Date.now();
    vi.advanceTimersByTime(wait);
    return wait;
  });
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test("it is tried again at once when the network is back, or when asked to", () => {
  follow();
  newest().listener.ended();
  chance();
  expect(opened).toHaveLength(2);
  newest().listener.ended();
  followed.retry();
  expect(opened).toHaveLength(3);
});

test("whoever falls behind goes on after the last cursor, and what has expired is loaded anew", () => {
  const { expired, refused } = follow();
  const refusal = { kind: "failure", needsKey: false, title: "", detail: "" } as const;
  newest().listener.refused(refusal, "FELL_BEHIND");
  expect(state()).toBe("lost");
  vi.advanceTimersByTime(500);
  newest().listener.refused(refusal, "EVENTS_EXPIRED");
  expect(expired).toHaveBeenCalledOnce();
  expect(refused).not.toHaveBeenCalled();
  expect(state()).toBe("idle");
});

test("a refusal is told, and not asked for again", () => {
  const { refused, end } = follow();
  newest().listener.refused({ kind: "key", needsKey: true, title: "", detail: "" }, undefined);
  vi.advanceTimersByTime(60_000);
  expect(refused).toHaveBeenCalledOnce();
  expect(opened).toHaveLength(1);
  expect(state()).toBe("refused");
  end();
  expect(state()).toBe("idle");
});

test("one who no longer follows is told nothing, and nothing is opened for it", () => {
  const { next, end } = follow();
  const { listener } = newest();
  end();
  listener.ended();
  vi.advanceTimersByTime(60_000);
  expect(opened).toHaveLength(1);
  expect(next).not.toHaveBeenCalled();
});
