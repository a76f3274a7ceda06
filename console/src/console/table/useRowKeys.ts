import { type RefObject, useEffect, useEffectEvent } from "react";

import { useKey } from "../keyboard";
import { useGrid, useList } from "../list/useList";
import { GROUP } from "./useListKeys";

/** The keys of a grid, while the focus is in the rows or nowhere. A page has so many rows. */
export function useRowKeys(scroller: RefObject<HTMLDivElement | null>, page: number): void {
  const { store, indexes, setAnchor, extendTo, toggle } = useGrid();
  const { rows, anchor, move, selectAll } = useList();

  const press = useEffectEvent((event: KeyboardEvent) => {
    const at = anchor === null ? undefined : indexes.get(anchor);
    const row = at === undefined ? undefined : rows[at];
    const action = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      PageDown: () => move(page),
      PageUp: () => move(-page),
      Home: () => store.toStart(),
      End: () => store.toEnd(),
      " ": () => row && toggle(row),
      "shift+ArrowDown": () => extendBy(1),
      "shift+ArrowUp": () => extendBy(-1),
      "all+a": selectAll,
    }[nameOf(event)];
    if (!action) return;
    event.preventDefault();
    action();

    function extendBy(by: number) {
      const next = at === undefined ? undefined : rows[at + by];
      if (!next) return;
      extendTo(next);
      setAnchor(next.guid);
    }
  });

  // They are for the rows alone, and only listed with the keys of the page.
  useKey({ keys: "Home", name: "First execution", group: GROUP, run: null });
  useKey({ keys: "End", name: "Last execution", group: GROUP, run: null });
  useKey({ keys: "shift+ArrowDown", name: "Select the next one too", group: GROUP, run: null });
  useKey({ keys: "Ctrl+a", name: "Select all that match", group: GROUP, run: null });

  useEffect(() => {
    function listen(event: KeyboardEvent) {
      const { target } = event;
      if (event.defaultPrevented || !(target instanceof Element)) return;
      const isNowhere = target === document.body || target.matches("main");
      const isElsewhere = document.querySelector("dialog:modal, [popover=auto]:popover-open");
      if (!isElsewhere && (isNowhere || scroller.current?.contains(target))) press(event);
    }
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [scroller]);
}

function nameOf({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): string {
  if (ctrlKey || metaKey) return altKey || shiftKey ? "" : `all+${key}`;
  return shiftKey ? `shift+${key}` : altKey ? "" : key;
}
