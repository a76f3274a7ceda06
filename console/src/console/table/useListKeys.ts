import { useKey } from "../keyboard";
import { NO_SELECTION } from "../list/selection";
import { useGrid, useList } from "../list/useList";

/** The heading of the list's keys. */
export const GROUP = "List";

/** The keys of the list, which work wherever the focus is. */
export function useListKeys(): void {
  const { open } = useGrid();
  const { anchor, move, rowOf, selection, select, toggle } = useList();
  const row = anchor === null ? null : rowOf(anchor);
  useKey({ keys: "j", name: "Next execution", group: GROUP, run: () => move(1) });
  useKey({ keys: "k", name: "Previous execution", group: GROUP, run: () => move(-1) });
  useKey({
    keys: "Enter",
    name: "Open execution",
    group: GROUP,
    run: row && (() => open(row.guid)),
  });
  useKey({
    keys: "x",
    name: "Select execution, or not",
    group: GROUP,
    run: row && (() => toggle(row.guid)),
  });
  useKey({
    keys: "Escape",
    name: "Select nothing",
    group: GROUP,
    run: selection.kind === "none" ? null : () => select(NO_SELECTION),
  });
}
