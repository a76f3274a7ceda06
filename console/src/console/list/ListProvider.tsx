import { type ReactNode, useCallback, useMemo, useState } from "react";

import type { Row } from "./row";
import { NOTHING, type Selection } from "./selection";
import { type List, ListContext } from "./useList";

const NONE: readonly Row[] = [];

/** Has the list of executions for what is in it. */
export function ListProvider({ children }: { children: ReactNode }) {
  const [selection, select] = useState<Selection>(NOTHING);
  const nothing = useCallback(() => undefined, []);
  const list = useMemo<List>(
    () => ({
      filter: null,
      orderBy: [],
      total: null,
      rows: NONE,
      isLoading: false,
      refusal: null,
      fresh: 0,
      anchor: null,
      selection,
      rowOf: () => null,
      neighboursOf: () => ({ before: null, after: null }),
      move: nothing,
      select,
      toggle: nothing,
      selectAll: nothing,
      reload: nothing,
      showFresh: nothing,
    }),
    [selection, nothing],
  );
  return <ListContext value={list}>{children}</ListContext>;
}
