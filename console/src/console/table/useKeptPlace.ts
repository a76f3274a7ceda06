import { useEffect } from "react";

import type { ListStore } from "../list/ListStore";
import { keepPlace } from "../list/place";

/** Browsers take offence at more. */
const KEPT_AFTER_MS = 150;

/**
 * Keeps the place with this step of the history, once the first row that is seen stays the same, and
 * again when rows have come: until then nobody knows what stands there.
 */
export function useKeptPlace(store: ListStore, first: number, isLoading: boolean): void {
  useEffect(() => {
    function keep() {
      stop();
      if (!store.get().isStarting) keepPlace(store.place());
    }
    function stop() {
      clearTimeout(timer);
      removeEventListener("pointerdown", keep, true);
      removeEventListener("keydown", keep, true);
    }
    const timer = setTimeout(keep, KEPT_AFTER_MS);
    // What the reader does now may be another step.
    addEventListener("pointerdown", keep, true);
    addEventListener("keydown", keep, true);
    return stop;
  }, [store, first, isLoading]);
}
