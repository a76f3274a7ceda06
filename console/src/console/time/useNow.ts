import { useSyncExternalStore } from "react";

import { SECOND_MS } from "./units";

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = 0;

function tick() {
  now = Date.now();
  for (const listener of listeners) listener();
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, SECOND_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function listenToNothing(): () => void {
  return () => undefined;
}

function read(): number {
  // While nothing ticks it would stand still, and each time anew it would render for ever.
  if (timer === undefined && Date.now() - now > SECOND_MS) now = Date.now();
  return now;
}

/**
 * The time in milliseconds since 1970. While it `runs`, what uses it renders each second, all of it
 * at once and nothing else.
 */
export function useNow(runs = true): number {
  return useSyncExternalStore(runs ? listen : listenToNothing, read);
}
