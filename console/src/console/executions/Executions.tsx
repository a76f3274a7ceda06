import { useEffect } from "react";

import { ActionBar } from "../acting/ActionBar";
import { go, useAddress } from "../address";
import { Announcement, Button, ViewHeader } from "../design";
import { ExportButton } from "../export/ExportButton";
import { FilterBar } from "../filter/FilterBar";
import { useConnection } from "../gateway";
import { useGrid, useList } from "../list/useList";
import { EmptyDatabase, ErrorNotice, Notice } from "../notices";
import { ColumnsMenu } from "../table/ColumnsMenu";
import { JumpToDate } from "../table/JumpToDate";
import { RunningOutside } from "../table/RunningOutside";
import { Table } from "../table/Table";
import { useListKeys } from "../table/useListKeys";
import { parseRange, RangePicker, useFormats, useZone } from "../time";
import { SaveView } from "../views/SaveView";
import { NothingMatches } from "./NothingMatches";

/** The list of executions that the address asks for. */
export default function Executions() {
  const { range } = useAddress();
  const { rows, total } = useList();
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
      <Result />
      <FilterBar rows={rows}>
        <SaveView />
      </FilterBar>
      <Listed />
      <RunningOutside />
      <ActionBar />
    </>
  );
}

/** Says how many there are when something else was asked for, but not whenever one comes or goes. */
function Result() {
  const { snapshot } = useGrid();
  const { total } = useList();
  const formats = useFormats();
  const isThere = !snapshot.isStarting && total !== null;
  const words = isThere ? formats.executions(total) : "";
  return <Announcement text={words} about={JSON.stringify(snapshot.asked)} />;
}

/** The rows, or what is to be said in their place. */
function Listed() {
  const { store, snapshot, question } = useGrid();
  const { rows, total, refusal, isLoading } = useList();
  const { range } = useAddress();
  const zone = useZone();
  useListKeys();
  useComingBack();
  const isEmpty = rows.length === 0 && !isLoading;
  if (!question.asked && rows.length === 0) {
    if (parseRange(range, zone) === null) return <NoRange range={range} />;
    return (
      <Notice icon="filter" title="The filter can’t be understood.">
        What is wrong is underlined in it. Nothing is asked for until that is mended.
      </Notice>
    );
  }
  if (refusal && rows.length === 0)
    return <ErrorNotice refusal={refusal} onAgain={() => store.again()} />;
  if (isEmpty && total === 0)
    return snapshot.asked?.filter ? <NothingMatches /> : <EmptyDatabase />;
  return <Table />;
}

/** Says that a link's range is none. */
function NoRange({ range }: { range: string }) {
  return (
    <Notice
      icon="calendar"
      title="This is no range of time."
      actions={<Button onClick={() => go({ range: "" })}>List all time</Button>}
    >
      Nothing is asked for with “{range}”. A range is written as 24h, 7d, or 2026-11-01..2026-11-08.
    </Notice>
  );
}

/** Asks again for what could not be had, when the gateway is there again. */
function useComingBack(): void {
  const { store, snapshot } = useGrid();
  const { state } = useConnection();
  const isAway = snapshot.refusal?.kind === "away";
  useEffect(() => {
    if (state === "connected" && isAway) store.again();
  }, [state, isAway, store]);
}
