import { useRef } from "react";

import { useAddress } from "../address";
import { includes } from "../list/selection";
import { useGrid, useList } from "../list/useList";
import type { Column } from "./columns";
import { Placeholder } from "./Placeholder";
import { RowView } from "./RowView";
import styles from "./table.module.css";
import { useKeptFocus } from "./useKeptFocus";
import { useRowKeys } from "./useRowKeys";
import { useVirtualRows } from "./useVirtualRows";

/** The rows of the list, of which the page has those that can be seen. */
export function Rows({ columns }: { columns: readonly Column[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { snapshot, indexes } = useGrid();
  const { rows, anchor, selection, isLoading } = useList();
  const { execution } = useAddress();
  const { window } = snapshot;
  const isFocused = useKeptFocus(scroller);
  const { items, height, seen, probe } = useVirtualRows(scroller, isFocused);
  useRowKeys(scroller, Math.max(1, seen.last - seen.first - 1));
  const reached = anchor !== null && indexes.has(anchor) ? anchor : rows[seen.first - window.start];
  const tabStop = typeof reached === "string" ? reached : reached?.guid;

  return (
    <div
      ref={scroller}
      className={`${styles.rows} ${snapshot.isStarting && rows.length > 0 ? styles.former : ""}`}
      role="rowgroup"
      aria-busy={isLoading}
    >
      <div ref={probe} className={styles.probe} />
      <div role="presentation" className={styles.space} style={{ blockSize: height }}>
        {items.map(({ index, start }) => {
          const row = rows[index - window.start];
          const place = { index: window.lead + index, top: start };
          if (!row) return <Placeholder key={index} columns={columns} {...place} />;
          return (
            <RowView
              key={row.guid}
              row={row}
              columns={columns}
              {...place}
              isTabStop={row.guid === tabStop}
              isAnchor={row.guid === anchor}
              isOpen={row.guid === execution}
              isSelected={includes(selection, row)}
              isArriving={snapshot.arriving.has(row.guid)}
            />
          );
        })}
      </div>
    </div>
  );
}
