import { type RefObject, useEffect } from "react";

import { useGrid } from "../list/useList";

/**
 * Tells the store while rows must not move: the mouse is over the list or what is drawn over it,
 * the focus is on a row, or the list is scrolled.
 */
export function useReading(frame: RefObject<HTMLDivElement | null>): void {
  const { store } = useGrid();
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let [isPointed, isScrolled] = [false, false];
    const tell = () => store.setReading(isPointed || isScrolled || hasFocusedRow(element));
    const stop = new AbortController();
    const listen = (type: string, listener: (event: Event) => void) =>
      element.addEventListener(type, listener, {
        signal: stop.signal,
        passive: true,
        // Scrolling is told of to what scrolls alone.
        capture: type === "scroll",
      });
    listen("pointermove", (event) => {
      isPointed = event instanceof PointerEvent && event.pointerType !== "touch";
      tell();
    });
    listen("pointerleave", () => {
      isPointed = false;
      tell();
    });
    listen("scroll", ({ target }) => {
      isScrolled = target instanceof Element && target.scrollTop > 0;
      tell();
    });
    listen("focusin", tell);
    // Where the focus goes is known after it has left.
    listen("focusout", () => queueMicrotask(tell));
    tell();
    return () => stop.abort();
  }, [frame, store]);
}

function hasFocusedRow(element: HTMLElement): boolean {
  const row = document.activeElement?.closest("[data-guid]");
  return row !== null && element.contains(row ?? null);
}
