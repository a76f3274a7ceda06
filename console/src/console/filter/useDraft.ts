import { useCallback, useEffect, useRef, useState } from "react";

import { go, readAddress, useAddress } from "../address";
import { MOST_CHARACTERS } from "./language";

/** How long typing pauses before what was typed is asked for. */
const PAUSE_MS = 350;

/** The filter while it is typed, which the address follows. */
export interface Draft {
  text: string;
  /** Change it as while typing: the address follows soon, and no step is made. */
  type(text: string): void;
  /** Make a step of another text, which Back undoes. */
  commit(text: string): void;
  /** Whether something was typed that is no step yet. */
  isTyped(): boolean;
}

/** The filter of the address, and what is being typed that is not in it yet. */
export function useDraft(): Draft {
  const { filter } = useAddress();
  const [typed, setTyped] = useState<{ text: string; over: string } | null>(null);
  // What Back is to lead to: what was in the address before anything was typed.
  const before = useRef<string | null>(null);
  const isOver = typed?.over === filter;
  const text = isOver ? typed.text : filter;

  useEffect(() => {
    if (!isOver || typed.text === filter) return;
    const timer = setTimeout(() => {
      before.current ??= filter;
      go({ filter: typed.text }, { replace: true });
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, isOver, filter]);

  useEffect(() => {
    function forget() {
      before.current = null;
      setTyped(null);
    }
    addEventListener("popstate", forget);
    return () => removeEventListener("popstate", forget);
  }, []);

  const type = useCallback((next: string) => {
    // One character too many is enough to be told that it is too long.
    setTyped({ text: next.slice(0, MOST_CHARACTERS + 1), over: readAddress().filter });
  }, []);
  const commit = useCallback((next: string) => {
    if (before.current !== null) go({ filter: before.current }, { replace: true });
    before.current = null;
    go({ filter: next.trim() });
    setTyped(null);
  }, []);
  const isTyped = useCallback(
    () => before.current !== null || text !== readAddress().filter,
    [text],
  );
  return { text, type, commit, isTyped };
}
