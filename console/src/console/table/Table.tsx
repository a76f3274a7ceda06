import { useEffect, useMemo, useRef } from "react";

import { Button } from "../design";
import { useGrid, useList } from "../list/useList";
import { useColumns } from "./columns";
import { Head } from "./Head";
import { NewRows } from "./NewRows";
import { Rows } from "./Rows";
import styles from "./table.module.css";
import { useReading } from "./useReading";
import { type RowActions, RowActionsContext } from "./useRowActions";

/** The rows, what is over them, and why there are no more of them. */
export function Table() {
  const { store, open, toggle, extendTo } = useGrid();
  const { total, refusal, rows } = useList();
  const { columns } = useColumns();
  const frame = useRef<HTMLDivElement>(null);
  useReading(frame);
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
    <div ref={frame} className={styles.list}>
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
