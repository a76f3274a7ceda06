import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";

/** The bars that the reader is at, by their numbers; `anchor` is where the choice of several began. */
interface Place {
  anchor: number | null;
  head: number;
}

/** From one bar to another, both included. */
export interface Brushed {
  first: number;
  last: number;
}

/** What the reader points at in a timeline. */
export interface Brush {
  brushed: Brushed | null;
  /** Whether several bars were begun to be chosen, and are not yet. */
  isChoosing: boolean;
  /** Whether the keyboard is at it. */
  hasFocus: boolean;
  /** For the element that lies over the bars, and is as wide as all of them. */
  handlers: {
    onPointerDown(event: PointerEvent<HTMLElement>): void;
    onPointerMove(event: PointerEvent<HTMLElement>): void;
    onPointerUp(event: PointerEvent<HTMLElement>): void;
    onPointerCancel(): void;
    onPointerLeave(event: PointerEvent<HTMLElement>): void;
    onFocus(event: { target: Element }): void;
    onBlur(): void;
    onKeyDown(event: KeyboardEvent): void;
  };
  clear(): void;
}

/**
 * Points at bars, and chooses some: by dragging or a click, by touch (which needs a button
 * besides), and by the arrow keys, with Shift for several, and Enter.
 */
export function useBrush(count: number, choose: (brushed: Brushed) => void): Brush {
  const [place, setPlace] = useState<Place | null>(null);
  const [hasFocus, setFocus] = useState(false);
  const isDragging = useRef(false);
  const last = count - 1;
  const head = place && Math.min(place.head, last);
  const anchor = place && place.anchor !== null ? Math.min(place.anchor, last) : null;
  const brushed = head === null ? null : ordered(anchor ?? head, head);

  function barUnder({ clientX, currentTarget }: PointerEvent<HTMLElement>): number {
    const { left, width } = currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(last, Math.floor(((clientX - left) / width) * count)));
  }

  function clear() {
    isDragging.current = false;
    setPlace(null);
  }

  function choosing(chosen: Brushed) {
    clear();
    choose(chosen);
  }

  return {
    brushed,
    isChoosing: anchor !== null,
    hasFocus,
    clear,
    handlers: {
      onPointerDown(event) {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        isDragging.current = true;
        const bar = barUnder(event);
        setPlace({ anchor: bar, head: bar });
      },
      onPointerMove(event) {
        const bar = barUnder(event);
        if (isDragging.current)
          setPlace((before) => ({ anchor: before?.anchor ?? bar, head: bar }));
        else if (event.pointerType !== "touch" && anchor === null) setPlace({ anchor, head: bar });
      },
      onPointerUp(event) {
        if (!isDragging.current) return;
        isDragging.current = false;
        const bar = barUnder(event);
        // A finger covers what it is on, so it may look again before it chooses.
        if (event.pointerType === "touch") setPlace({ anchor: anchor ?? bar, head: bar });
        else choosing(ordered(anchor ?? bar, bar));
      },
      onPointerCancel: clear,
      onPointerLeave({ pointerType }) {
        if (!isDragging.current && pointerType !== "touch" && anchor === null) setPlace(null);
      },
      onFocus({ target }) {
        if (!target.matches(":focus-visible")) return;
        setFocus(true);
        setPlace((before) => before ?? { anchor: null, head: last });
      },
      onBlur() {
        setFocus(false);
        clear();
      },
      onKeyDown(event) {
        const from = head ?? last;
        const to = {
          ArrowLeft: from - 1,
          ArrowDown: from - 1,
          ArrowRight: from + 1,
          ArrowUp: from + 1,
          PageUp: from + 7,
          PageDown: from - 7,
          Home: 0,
          End: last,
        }[event.key];
        if (to !== undefined) {
          const bar = Math.max(0, Math.min(last, to));
          setPlace({ anchor: event.shiftKey ? (anchor ?? from) : null, head: bar });
        } else if (event.key === "Escape" && anchor !== null) {
          setPlace({ anchor: null, head: from });
        } else if ((event.key === "Enter" || event.key === " ") && brushed) {
          choosing(brushed);
        } else return;
        event.preventDefault();
        event.stopPropagation();
      },
    },
  };
}

function ordered(one: number, other: number): Brushed {
  return { first: Math.min(one, other), last: Math.max(one, other) };
}
