import { useCallback, useMemo, useSyncExternalStore } from "react";

// Not that of GraphiQL, which clears all of its own.
const PREFIX = "executions-gateway.console:";
const CHANGED = "console:kept";

/** What the browser did not take. */
const held = new Map<string, string>();

/**
 * Something that this browser keeps for the reader, such as which columns are hidden. `read` makes
 * a value of what was kept: undefined if there is nothing, or anything at all, since others may
 * have written it; it must stay the same function. A change is made of what is kept now; it
 * returns false if that lasts only as long as the page. Other tabs see it at once.
 */
export function useKept<Value>(
  name: string,
  read: (kept: unknown) => Value,
): [Value, (change: (before: Value) => Value) => boolean] {
  const text = useSyncExternalStore(subscribe, () => textOf(name));
  const value = useMemo(() => read(parsed(text)), [text, read]);
  const keep = useCallback(
    (change: (before: Value) => Value) => {
      const next = change(read(parsed(textOf(name))));
      const isKept = put(name, JSON.stringify(next));
      dispatchEvent(new Event(CHANGED));
      return isKept;
    },
    [name, read],
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

function put(name: string, text: string): boolean {
  try {
    localStorage.setItem(PREFIX + name, text);
    held.delete(name);
    return true;
  } catch {
    // Storage may be full or forbidden.
    held.set(name, text);
    return false;
  }
}

function textOf(name: string): string | null {
  const text = held.get(name);
  if (text !== undefined) return text;
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
