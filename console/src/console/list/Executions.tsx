import { useEffect, useMemo, useRef } from "react";

import { ActionBar } from "../acting/ActionBar";
import { go, useAddress } from "../address";
import { EmptyDatabase, ErrorWords, NothingMatches, Notice } from "../conditions";
import { Button, ViewHeader } from "../design";
import { ExportButton } from "../export/ExportButton";
import { FilterBar } from "../filter/FilterBar";
import { useCondition } from "../gateway";
import { NewRows } from "../live/NewRows";
import { RangePicker, useFormats } from "../time";
import { ColumnsMenu } from "./ColumnsMenu";
import { useColumns } from "./columns";
import { EarlierRunning } from "./EarlierRunning";
import { Head } from "./Head";
import { JumpToDate } from "./JumpToDate";
import styles from "./list.module.css";
import { Rows } from "./Rows";
import { useGrid, useList } from "./useList";
import { useListKeys } from "./useListKeys";
import { type RowActions, RowActionsContext } from "./useRowActions";

/** The list of executions that the address asks for. */
export function Executions() {
  const { range } = useAddress();
  const { total } = useList();
  const formats = useFormats();
  return (
    <>
      <ViewHeader title="Executions" aside={total !== null && formats.number(total)}>
        <RangePicker
          range={range || "all"}
          onChange={(chosen) => go({ range: chosen === "all" ? "" : chosen })}
        />
        <JumpToDate />
        <ColumnsMenu />
        <ExportButton />
      </ViewHeader>
      <FilterBar />
      <EarlierRunning />
      <Listed />
      <ActionBar />
    </>
  );
}

/** The rows, or what is to be said in their place. */
function Listed() {
  const { store, snapshot, question } = useGrid();
  const { rows, total, refusal, isLoading } = useList();
  useListKeys();
  useComingBack();
  const isEmpty = rows.length === 0 && !isLoading;
  if (!question.asked && rows.length === 0) {
    return (
      <Notice icon="filter" title="The filter can’t be understood.">
        What is wrong is underlined in it. Nothing is asked for until that is mended.
      </Notice>
    );
  }
  if (refusal && isEmpty) return <ErrorWords refusal={refusal} onAgain={() => store.again()} />;
  if (isEmpty && total === 0)
    return snapshot.asked?.filter ? <NothingMatches /> : <EmptyDatabase />;
  return <Table />;
}

function Table() {
  const { store, open, toggle, extendTo } = useGrid();
  const { total, refusal, rows } = useList();
  const { columns } = useColumns();
  const latest = useRef({ open, toggle, extendTo });
  useEffect(() => {
    latest.current = { open, toggle, extendTo };
  });
  const actions = useMemo<RowActions>(
    () => ({
      open: (guid) => latest.current.open(guid),
      toggle: (row) => latest.current.toggle(row),
      extendTo: (row) => latest.current.extendTo(row),
    }),
    [],
  );
  return (
    <div className={styles.list}>
      <NewRows />
      <div
        role="grid"
        aria-label="Executions"
        aria-multiselectable="true"
        aria-rowcount={total === null ? -1 : total + 1}
        className={styles.grid}
      >
        <Head columns={columns} />
        <RowActionsContext value={actions}>
          <Rows columns={columns} />
        </RowActionsContext>
      </div>
      {refusal && rows.length > 0 && (
        <p className={styles.refused} role="alert">
          <span>
            {refusal.title} {refusal.detail}
          </span>
          <Button icon="reload" onClick={() => store.again()}>
            Try again
          </Button>
        </p>
      )}
    </div>
  );
}

/** Asks again for what could not be had, when the gateway is there again. */
function useComingBack(): void {
  const { store, snapshot } = useGrid();
  const { state } = useCondition();
  const isAway = snapshot.refusal?.kind === "away";
  useEffect(() => {
    if (state === "connected" && isAway) store.again();
  }, [state, isAway, store]);
}
