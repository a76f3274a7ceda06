import { useCallback, useMemo, useSyncExternalStore } from "react";

// Not that of GraphiQL, which clears all of its own.
const PREFIX = "executions-gateway.console:";
const CHANGED = "console:kept";

/**
 * Something that this browser keeps for the reader, such as which columns are hidden. `read` makes
 * a value of what was kept: undefined if there is nothing, or anything at all, since others may
 * have written it; it must stay the same function. Other tabs see a change at once.
 */
export function useKept<Value>(
  name: string,
  read: (kept: unknown) => Value,
): [Value, (value: Value) => void] {
  const text = useSyncExternalStore(subscribe, () => textOf(name));
  const value = useMemo(() => read(parsed(text)), [text, read]);
  const keep = useCallback(
    (next: Value) => {
      try {
        localStorage.setItem(PREFIX + name, JSON.stringify(next));
      } catch {
        // Storage may be full or forbidden; the page works without.
      }
      dispatchEvent(new Event(CHANGED));
    },
    [name],
  );
  return [value, keep];
}

function subscribe(listener: () => void): () => void {
  addEventListener("storage", listener);
  addEventListener(CHANGED, listener);
  return () => {
    removeEventListener("storage", listener);
    removeEventListener(CHANGED, listener);
  };
}

function textOf(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function parsed(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
