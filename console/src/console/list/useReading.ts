import { type RefObject, useEffect } from "react";

import { useGrid } from "./useList";

/** Tells the store while rows must not move: the mouse or the focus is on one, or it is scrolled. */
export function useReading(scroller: RefObject<HTMLDivElement | null>): void {
  const { store } = useGrid();
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let isPointed = false;
    const tell = () =>
      store.setReading(
        isPointed || element.scrollTop > 0 || element.contains(document.activeElement),
      );
    const stop = new AbortController();
    const listen = (type: string, listener: (event: Event) => void) =>
      element.addEventListener(type, listener, { signal: stop.signal, passive: true });
    listen("pointermove", (event) => {
      isPointed = event instanceof PointerEvent && event.pointerType !== "touch";
      tell();
    });
    listen("pointerleave", () => {
      isPointed = false;
      tell();
    });
    listen("scroll", tell);
    listen("focusin", tell);
    // Where the focus goes is known after it has left.
    listen("focusout", () => queueMicrotask(tell));
    tell();
    return () => stop.abort();
  }, [scroller, store]);
}
