import {
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";

import { go, readAddress, useAddress } from "../address";
import { useToast } from "../design";
import { Refused, useGateway, useObservable } from "../gateway";
import { useZone } from "../time";
import { everything } from "./everything";
import { ListStore } from "./ListStore";
import { keepPlace, keptPlace } from "./place";
import { questionOf } from "./question";
import type { Row } from "./row";
import { extended, NO_SELECTION, type Selection, toggled } from "./selection";
import { sourceOf } from "./source";
import { GridContext, type Grid, type List, ListContext, type Shown } from "./useList";

/** Has the list of executions for what is in it. */
export function ListProvider({ children }: { children: ReactNode }) {
  const gateway = useGateway();
  const locked = useObservable(gateway.locked);
  const address = useAddress();
  const zone = useZone();
  const { view, filter, range, order } = address;
  const isShown = view === "executions" && !locked;

  const say = useToast();
  const store = useMemo(() => new ListStore(sourceOf(gateway)), [gateway]);
  const question = useMemo(
    () => questionOf({ filter, range, order }, zone, Date.now()),
    [filter, range, order, zone],
  );
  const { asked } = question;
  const snapshot = useSyncExternalStore(store.subscribe, store.get);
  const [anchor, setAnchor] = useState<string | null>(null);
  const [selection, setSelection] = useState<Selection>(NO_SELECTION);
  const [isSelecting, setSelecting] = useState(false);
  const [shown, show] = useState<Shown | null>(null);
  const pivot = useRef<string | null>(null);
  const remembered = useRef(new Map<string, Row>());

  useEffect(() => {
    if (!isShown || !asked) return;
    setSelection(NO_SELECTION);
    setAnchor(null);
    pivot.current = null;
    store.open(asked, keptPlace());
    return () => store.close();
  }, [store, asked, isShown]);

  // What is opened beside the list is another step of the history, with the same place.
  useEffect(() => {
    if (isShown && !store.get().isStarting) keepPlace(store.place());
  }, [store, address, isShown]);

  const { rows } = snapshot.window;
  const indexes = useMemo(() => new Map(rows.map(({ guid }, at) => [guid, at])), [rows]);
  const rowOf = useCallback(
    (guid: string) => rows[indexes.get(guid) ?? -1] ?? remembered.current.get(guid) ?? null,
    [rows, indexes],
  );

  const select = useCallback(
    (next: Selection) => {
      const kept = next.kind === "some" ? [...next.guids] : [];
      const known = kept.map((guid) => [guid, rowOf(guid)] as const);
      remembered.current = new Map(known.flatMap(([guid, row]) => (row ? [[guid, row]] : [])));
      setSelection(next);
    },
    [rowOf],
  );

  const grid = useMemo<Grid>(() => {
    function open(guid: string) {
      setAnchor(guid);
      go({ execution: guid }, { replace: readAddress().execution !== "" });
    }
    return {
      store,
      snapshot,
      question,
      shown,
      indexes,
      open,
      setAnchor(guid) {
        setAnchor(guid);
        show({ guid });
      },
      toggle(row) {
        pivot.current = row.guid;
        setAnchor(row.guid);
        select(toggled(selection, row));
      },
      extendTo(row) {
        const to = indexes.get(row.guid);
        const from = indexes.get(pivot.current ?? anchor ?? "") ?? to;
        pivot.current ??= anchor;
        setAnchor(row.guid);
        if (from === undefined || to === undefined) return;
        select(extended(selection, rows.slice(Math.min(from, to), Math.max(from, to) + 1)));
      },
    };
  }, [store, snapshot, question, shown, indexes, rows, anchor, selection, select]);

  const list = useMemo<List>(
    () => ({
      filter: snapshot.asked?.filter ?? null,
      orderBy: snapshot.asked?.orderBy ?? [],
      total: snapshot.total,
      rows,
      isLoading: snapshot.isLoading || snapshot.isStarting,
      refusal: snapshot.refusal,
      fresh: snapshot.fresh,
      anchor,
      selection,
      isSelecting,
      rowOf,
      neighboursOf(guid) {
        const at = indexes.get(guid);
        if (at === undefined) return { before: null, after: null };
        return { before: rows[at - 1]?.guid ?? null, after: rows[at + 1]?.guid ?? null };
      },
      move(by) {
        const open = readAddress().execution;
        const at = indexes.get(open || (anchor ?? ""));
        const to = at === undefined ? store.firstSeen() : at + by;
        const row = rows[Math.max(0, Math.min(to, rows.length - 1))];
        if (!row) return;
        grid.setAnchor(row.guid);
        if (open) go({ execution: row.guid }, { replace: true });
      },
      select,
      toggle(guid) {
        const row = rowOf(guid);
        if (row) grid.toggle(row);
      },
      selectAll() {
        const { asked: listed } = snapshot;
        setSelecting(true);
        everything(gateway, listed?.filter ?? null)
          .then(
            // Something else may be listed by now.
            (selected) => store.get().asked === listed && setSelection(selected),
            (error: unknown) => {
              if (!(error instanceof Refused)) throw error;
              say({ text: error.message, isProblem: true });
            },
          )
          .finally(() => setSelecting(false));
      },
      reload() {
        store.reload(questionOf(readAddress(), zone, Date.now()).asked ?? undefined);
      },
      showFresh: () => store.toStart(),
    }),
    [
      snapshot,
      rows,
      anchor,
      selection,
      isSelecting,
      rowOf,
      indexes,
      store,
      grid,
      select,
      zone,
      gateway,
      say,
    ],
  );

  return (
    <ListContext value={list}>
      <GridContext value={grid}>{children}</GridContext>
    </ListContext>
  );
}
