import { Skeleton } from "../design";
import type { Column } from "./columns";
import styles from "./table.module.css";

const WIDTHS: Record<Column["key"], string> = {
  state: "5rem",
  flow: "11rem",
  session: "6rem",
  created: "7rem",
  duration: "3rem",
  updated: "7rem",
  guid: "6rem",
};

interface Props {
  columns: readonly Column[];
  index: number;
  top: number;
}

/** Stands in the place of a row that is not there yet. */
export function Placeholder({ columns, index, top }: Props) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={styles.row}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div role="gridcell" className={styles.choose} />
      {columns.map(({ key }) => (
        <div key={key} role="gridcell" className={styles[key]}>
          <Skeleton width={WIDTHS[key]} />
        </div>
      ))}
    </div>
  );
}
