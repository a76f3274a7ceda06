import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

import { useGrid, useList } from "../list/useList";
import { lengthOf } from "../list/window";
import { useKeptPlace } from "./useKeptPlace";

const OVERSCAN = 8;

/** Which rows are drawn, and where: those that are seen, some around them, and the one with the focus. */
export function useVirtualRows(
  scroller: RefObject<HTMLDivElement | null>,
  isFocused: RefObject<boolean>,
) {
  const { store, snapshot, indexes, shown, setAnchor } = useGrid();
  const { anchor } = useList();
  const { window, target } = snapshot;
  const [rowHeight, probe] = useHeight();
  const anchored = anchor === null ? undefined : indexes.get(anchor);
  const active = anchored === undefined ? null : window.start + anchored;

  const virtualizer = useVirtualizer({
    count: lengthOf(window),
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range);
      // It has the focus, which must not be lost when it is scrolled away.
      return active === null || indexes.includes(active) ? indexes : [...indexes, active];
    },
  });
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, rowHeight]);

  const shift = useRef(window.shift);
  useLayoutEffect(() => {
    const by = window.shift - shift.current;
    shift.current = window.shift;
    if (by !== 0 && scroller.current) scroller.current.scrollTop += by * rowHeight;
  }, [scroller, window.shift, rowHeight]);

  useLayoutEffect(() => {
    if (!target || !scroller.current) return;
    scroller.current.scrollTop = target.index * rowHeight;
    const { window } = store.get();
    const row = window.rows[target.index - window.start];
    if (isFocused.current && row) setAnchor(row.guid);
    // The height is known before there are rows, and leads nowhere when it changes.
  }, [scroller, store, target]);

  useLayoutEffect(() => {
    if (!shown || !scroller.current) return;
    const { window } = store.get();
    const at = window.rows.findIndex(({ guid }) => guid === shown.guid);
    if (at < 0) return;
    const top = (window.start + at) * rowHeight;
    const { scrollTop, clientHeight } = scroller.current;
    if (top < scrollTop) scroller.current.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) {
      scroller.current.scrollTop = top + rowHeight - clientHeight;
    }
    const row = scroller.current.querySelector<HTMLElement>(
      `[data-guid="${CSS.escape(shown.guid)}"]`,
    );
    // Whoever reads what is open beside the list goes on there.
    if (!document.activeElement?.closest("aside")) row?.focus({ preventScroll: true });
  }, [scroller, store, shown]);

  const { startIndex: first, endIndex: last } = virtualizer.range ?? { startIndex: 0, endIndex: 0 };
  useEffect(() => {
    if (!scroller.current) return;
    // The virtualizer hears of where it is scrolled to later than this.
    const { scrollTop, clientHeight } = scroller.current;
    store.see(Math.floor(scrollTop / rowHeight), Math.ceil((scrollTop + clientHeight) / rowHeight));
  }, [scroller, store, first, last, rowHeight, window]);
  useKeptPlace(store, first, snapshot.isLoading);

  return {
    items: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    seen: { first, last },
    probe,
  };
}

/** The height of an element, which changes with the size of text and of the window. */
function useHeight(): [number, (element: HTMLElement | null) => (() => void) | undefined] {
  const [height, setHeight] = useState(36);
  const probe = useCallback((element: HTMLElement | null) => {
    if (!element) return;
    setHeight(element.offsetHeight);
    const observer = new ResizeObserver(() => setHeight(element.offsetHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [height, probe];
}
