import { type FocusEvent, useState } from "react";

import { inPlaces } from "./places";

/** Items in an order that is kept while somebody points at them. */
export interface Steady<T> {
  items: readonly T[];
  /** For the element that has the items in it. */
  handlers: {
    onPointerEnter(): void;
    onPointerLeave(): void;
    onFocus(): void;
    onBlur(event: FocusEvent): void;
  };
}

/** Keeps items where they are while the mouse is over them or the focus in them. */
export function useSteady<T>(items: readonly T[], keyOf: (item: T) => string): Steady<T> {
  const [kept, setKept] = useState<readonly string[] | null>(null);
  const shown = kept ? inPlaces(kept, items, keyOf) : items;

  function keep() {
    setKept((before) => before ?? items.map(keyOf));
  }
  function release() {
    setKept(null);
  }

  return {
    items: shown,
    handlers: {
      onPointerEnter: keep,
      onPointerLeave: release,
      onFocus: keep,
      onBlur({ currentTarget, relatedTarget }) {
        // From one of the items to another, the focus stays in them.
        if (!currentTarget.contains(relatedTarget)) release();
      },
    },
  };
}
