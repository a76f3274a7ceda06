import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = 0;

function tick() {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function current(): number {
  // While nothing ticks, it would stand still.
  if (timer === undefined || now === 0) now = Date.now();
  return now;
}

/** The time in milliseconds since 1970, each second anew. What uses it renders then, nothing else. */
export function useTicks(): number {
  return useSyncExternalStore(subscribe, current);
}
