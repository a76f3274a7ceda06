import { type ChangeEvent, memo, type MouseEvent as Click } from "react";

import { Link } from "../address";
import { StateMark } from "../design";
import type { Row } from "../list/row";
import { Instant, useFormats } from "../time";
import type { Column, ColumnKey } from "./columns";
import { RunningFor } from "./RunningFor";
import styles from "./table.module.css";
import { useRowActions } from "./useRowActions";

interface Props {
  row: Row;
  columns: readonly Column[];
  /** Its place among all. */
  index: number;
  /** How far from the beginning of what is scrolled, in pixels. */
  top: number;
  isTabStop: boolean;
  isAnchor: boolean;
  isOpen: boolean;
  isSelected: boolean;
  isArriving: boolean;
}

const STANDINGS = {
  matches: undefined,
  left: "No longer matches. It goes when the list is loaded again.",
  deleted: "Deleted",
} as const;

/** Columns of what people and other programs have named, from left to right or from right to left. */
const NAMED: ReadonlySet<ColumnKey> = new Set(["flow", "session", "guid"]);

/** An execution in the list. */
export const RowView = memo(function RowView(props: Props) {
  const { row, columns, index, top, isTabStop, isAnchor, isOpen, isSelected, isArriving } = props;
  const { open, toggle, extendTo } = useRowActions();

  function click(event: Click<HTMLElement>) {
    const on = event.target instanceof Element ? event.target.closest("a, label") : null;
    const isOnLink = on instanceof HTMLAnchorElement;
    if (on && !isOnLink) return;
    if (event.shiftKey) extendTo(row);
    else if (isOnLink && (event.ctrlKey || event.metaKey || event.altKey)) return;
    else if (event.ctrlKey || event.metaKey) toggle(row);
    else if (!hasSelectedText()) open(row.guid);
    event.preventDefault();
  }

  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      aria-current={isOpen || undefined}
      tabIndex={isTabStop ? 0 : -1}
      data-guid={row.guid}
      title={STANDINGS[row.standing]}
      className={[
        styles.row,
        styles.real,
        isSelected && styles.selected,
        isOpen && styles.open,
        isAnchor && styles.anchor,
        isArriving && styles.arriving,
        row.standing !== "matches" && styles[row.standing],
      ]
        .filter(Boolean)
        .join(" ")}
      style={{ transform: `translateY(${top}px)` }}
      // A range is selected by it, and no text.
      onMouseDown={(event) => event.shiftKey && event.preventDefault()}
      onClick={click}
    >
      <div role="gridcell" className={styles.choose}>
        <label className={styles.box}>
          <input
            type="checkbox"
            tabIndex={-1}
            checked={isSelected}
            aria-label={`Select ${nameOf(row)}`}
            onChange={(event) => (isWithShift(event) ? extendTo(row) : toggle(row))}
          />
        </label>
      </div>
      {columns.map(({ key }) => (
        <div
          key={key}
          role="gridcell"
          className={styles[key]}
          dir={NAMED.has(key) ? "auto" : undefined}
        >
          <Cell of={key} row={row} />
        </div>
      ))}
    </div>
  );
});

function Cell({ of, row }: { of: ColumnKey; row: Row }) {
  const formats = useFormats();
  switch (of) {
    case "state":
      return (
        <>
          <StateMark state={row.state} />
          {row.standing !== "matches" && (
            <span className="visually-hidden">{STANDINGS[row.standing]}</span>
          )}
        </>
      );
    case "flow":
      return (
        <Link to={{ execution: row.guid }} tabIndex={-1} className={styles.name}>
          {nameOf(row)}
        </Link>
      );
    case "session":
      return row.sessionId === null ? <None /> : <span title={row.sessionId}>{row.sessionId}</span>;
    case "created":
      return <Instant at={row.createdOn} />;
    case "updated":
      return <Instant at={row.updatedOn} />;
    case "duration":
      if (row.state === "INPROGRESS" && row.standing !== "deleted")
        return <RunningFor since={row.createdOn} />;
      return row.durationMs === null ? <None /> : formats.duration(row.durationMs);
    case "guid":
      return <code title={row.guid}>{row.guid}</code>;
  }
}

function None() {
  return (
    <span className={styles.none} aria-label="none" role="img">
      –
    </span>
  );
}

function nameOf({ agentflowName, agentflowId }: Row): string {
  return agentflowName || agentflowId;
}

function isWithShift({ nativeEvent }: ChangeEvent): boolean {
  return nativeEvent instanceof MouseEvent && nativeEvent.shiftKey;
}

function hasSelectedText(): boolean {
  return getSelection()?.isCollapsed === false;
}
