import type { Connection } from "./connection";
import { type Observable, observable } from "./observable";
import { type Operation, idOf } from "./operation";
import type { Refusal } from "./refusals";
import type { Transport } from "./transport";

const SHORTEST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Who follows a subscription. */
export interface Follower<Result> {
  /** An event. Return its cursor, from where to go on after the connection was lost. */
  next(data: Result): string;
  /** What came after the cursor is no longer kept: load anew, and follow from there. */
  expired(): void;
  /** The gateway refuses, and will until something else changes. */
  refused(refusal: Refusal): void;
}

/** Follows subscriptions over a connection that comes back by itself. */
export interface Live {
  connection: Observable<Connection>;
  /** Follow what comes after a cursor. Returns what ends it. */
  follow<Result, Variables extends { after?: string | null | undefined }>(
    operation: Operation<Result, Variables>,
    variables: Variables & { after: string },
    follower: Follower<Result>,
  ): () => void;
  /** Try at once to get a lost connection back. */
  retry(): void;
  close(): void;
}

interface Stream {
  open(): void;
  isOpen: boolean;
}

interface Surroundings {
  /** Draws from 0 to 1, so that not all pages come back at once. */
  random(): number;
  /** Calls when trying again may be worth it before its time. Returns what ends that. */
  onChance(retry: () => void): () => void;
}

const BROWSER: Surroundings = {
  random: Math.random,
  onChance(retry) {
    const retryIfVisible = () => void (document.visibilityState === "visible" && retry());
    addEventListener("online", retry);
    document.addEventListener("visibilitychange", retryIfVisible);
    return () => {
      removeEventListener("online", retry);
      document.removeEventListener("visibilitychange", retryIfVisible);
    };
  },
};

/**
 * Follow over a transport, which is opened again and again while something is followed.
 * `onRefusal` is told of refusals whoever follows.
 */
export function live(
  transport: Transport,
  onRefusal: (refusal: Refusal) => void,
  { random, onChance } = BROWSER,
): Live {
  const connection = observable<Connection>({ state: "idle" });
  const streams = new Set<Stream>();
  let failures = 0;
  let lostSince: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function opened(stream: Stream) {
    stream.isOpen = true;
    failures = 0;
    // It is told by each event.
    if (connection.get().state === "connected") return;
    if (![...streams].every(({ isOpen }) => isOpen)) return;
    lostSince = null;
    connection.set({ state: "connected" });
  }

  function lost(stream: Stream) {
    stream.isOpen = false;
    lostSince ??= Date.now();
    if (timer !== undefined) return;
    const wait = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** failures) * (0.5 + random() / 2);
    failures += 1;
    connection.set({ state: "lost", since: lostSince, retryAt: Date.now() + wait });
    timer = setTimeout(retry, wait);
  }

  function retry() {
    clearTimeout(timer);
    timer = undefined;
    for (const stream of streams) if (!stream.isOpen) stream.open();
  }

  const stopChances = onChance(() => {
    if (timer !== undefined) retry();
  });

  return {
    connection,
    follow(operation, variables, follower) {
      let after = variables.after;
      let stop: (() => void) | undefined;
      const stream: Stream = { isOpen: false, open };

      function open() {
        stop?.();
        stop = transport.open(
          { id: idOf(operation), variables: { ...variables, after } },
          {
            opened: () => streams.has(stream) && opened(stream),
            next: (data) => {
              if (!streams.has(stream)) return;
              opened(stream);
              after = follower.next(data as Parameters<typeof follower.next>[0]);
            },
            ended: () => streams.has(stream) && lost(stream),
            refused: (refusal, code) => {
              if (!streams.has(stream)) return;
              if (code === "FELL_BEHIND" || refusal.kind === "away") return lost(stream);
              end();
              if (code === "EVENTS_EXPIRED") return follower.expired();
              if (streams.size === 0) connection.set({ state: "refused", refusal });
              onRefusal(refusal);
              follower.refused(refusal);
            },
          },
        );
      }

      function end() {
        streams.delete(stream);
        stop?.();
        if (streams.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
        lostSince = null;
        connection.set({ state: "idle" });
      }

      streams.add(stream);
      if (lostSince === null && connection.get().state !== "connected") {
        connection.set({ state: "connecting" });
      }
      open();
      return end;
    },
    retry,
    close() {
      clearTimeout(timer);
      stopChances();
      streams.clear();
      transport.close();
    },
  };
}
