import type { ReactNode } from "react";

import { go } from "../address";
import { Icon, Tooltip } from "../design";
import { nextOrder, type OrderKey, printOrder } from "../list/order";
import { NO_SELECTION, sizeOf } from "../list/selection";
import { useGrid, useList } from "../list/useList";
import { type Column, orderNameOf } from "./columns";
import { OrderMenu } from "./OrderMenu";
import styles from "./table.module.css";

/** The heads of the columns: a click orders by one. */
export function Head({ columns }: { columns: readonly Column[] }) {
  const { order } = useGrid().question;
  return (
    <div role="rowgroup" className={styles.head}>
      <div role="row" aria-rowindex={1} className={styles.heads}>
        <div role="columnheader" className={styles.choose}>
          <ChooseAll />
        </div>
        {columns.map((column) => {
          const isOrdered = column.order === order.key;
          const direction = order.isDescending ? "descending" : "ascending";
          return (
            <div
              key={column.key}
              role="columnheader"
              className={styles[column.key]}
              aria-sort={isOrdered ? direction : undefined}
            >
              {column.order === null ? (
                column.name
              ) : (
                <Sort by={column.order} name={column.name} orderName={orderNameOf(column)}>
                  {isOrdered && <Icon name={direction} />}
                </Sort>
              )}
            </div>
          );
        })}
        <div role="columnheader" className={styles.orders}>
          <OrderMenu />
        </div>
      </div>
    </div>
  );
}

interface SortProps {
  by: OrderKey;
  name: string;
  orderName: string;
  /** The direction, if this is the order. */
  children: ReactNode;
}

/** Orders by a column. Says by what, where that is not what the column shows. */
function Sort({ by, name, orderName, children }: SortProps) {
  const { order } = useGrid().question;
  return (
    <Tooltip text={orderName === name ? undefined : `Order by ${orderName.toLowerCase()}`}>
      {(describedBy) => (
        <button
          type="button"
          className={styles.sort}
          aria-describedby={describedBy}
          onClick={() => go({ order: printOrder(nextOrder(order, by)) })}
        >
          {name}
          {children}
        </button>
      )}
    </Tooltip>
  );
}

function ChooseAll() {
  const { selection, total, select, selectAll } = useList();
  const isAll = selection.kind === "all" && selection.except.size === 0;
  return (
    <label className={styles.box}>
      <input
        ref={(box) => {
          if (box) box.indeterminate = !isAll && sizeOf(selection) > 0;
        }}
        type="checkbox"
        checked={isAll}
        disabled={!total}
        aria-label="Select all that match"
        onChange={() => (selection.kind === "none" ? selectAll() : select(NO_SELECTION))}
      />
    </label>
  );
}
