import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

import { go, readAddress, useAddress } from "../address";
import { MOST_CHARACTERS } from "./language";

/** How long typing pauses before what was typed is asked for. */
const PAUSE_MS = 350;
const TYPING = {};

/** The filter while it is typed, which the address follows. */
export interface Draft {
  text: string;
  /** Change it as while typing: the address follows soon, in one step that Back undoes. */
  type(text: string): void;
  /**
   * Show another text, in a step that Back undoes. What is changed by the same thing, such as a menu
   * while it is open, is the same step.
   */
  commit(text: string, by?: object): void;
  /** Whether something was typed that was not committed yet. */
  isTyped(): boolean;
}

/** The filter of the address, and what is being typed that is not in it yet. */
export function useDraft(): Draft {
  const { filter } = useAddress();
  const [typed, setTyped] = useState<{ text: string; over: string } | null>(null);
  // What made the step that is shown, if it goes on: typing, or a menu.
  const maker = useRef<object | null>(null);
  const isOver = typed?.over === filter;
  const text = isOver ? typed.text : filter;

  useEffect(() => {
    if (!isOver || typed.text === filter) return;
    const timer = setTimeout(() => show(maker, typed.text, TYPING), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, isOver, filter]);

  useEffect(() => {
    function forget() {
      maker.current = null;
      setTyped(null);
    }
    addEventListener("popstate", forget);
    return () => removeEventListener("popstate", forget);
  }, []);

  const type = useCallback((next: string) => {
    // One character too many is enough to be told that it is too long.
    setTyped({ text: next.slice(0, MOST_CHARACTERS + 1), over: readAddress().filter });
  }, []);
  const commit = useCallback((next: string, by?: object) => {
    show(maker, next.trim(), by ?? TYPING);
    if (!by) maker.current = null;
    setTyped(null);
  }, []);
  const isTyped = useCallback(
    () => maker.current === TYPING || text !== readAddress().filter,
    [text],
  );
  return { text, type, commit, isTyped };
}

function show(maker: RefObject<object | null>, filter: string, by: object): void {
  if (filter === readAddress().filter) return;
  go({ filter }, { replace: maker.current === by });
  maker.current = by;
}
