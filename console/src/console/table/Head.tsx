import { go } from "../address";
import { Icon } from "../design";
import { nextOrder, printOrder } from "../list/order";
import { sizeOf } from "../list/selection";
import { NO_SELECTION } from "../list/selection";
import { useGrid, useList } from "../list/useList";
import type { Column } from "./columns";
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
                <button
                  type="button"
                  className={styles.sort}
                  onClick={() =>
                    column.order && go({ order: printOrder(nextOrder(order, column.order)) })
                  }
                >
                  {column.name}
                  {isOrdered && <Icon name={direction} />}
                </button>
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
