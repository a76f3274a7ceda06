import { Announcement, Icon } from "../design";
import { useKey } from "../keyboard";
import { MOST_COUNTED } from "../list/fresh";
import { useGrid, useList } from "../list/useList";
import { useFormats } from "../time";
import styles from "./newRows.module.css";

/** Says how many executions are new, when the reader is not at the top of the list. */
export function NewRows() {
  const { fresh, showFresh } = useList();
  const isByCreation = useGrid().question.order.key === "created";
  const formats = useFormats();
  useKey({
    keys: "n",
    name: "Show what is new",
    group: "List",
    run: fresh > 0 ? () => showFresh() : null,
  });
  const orMore = fresh >= MOST_COUNTED ? "+" : "";
  const words = `${formats.number(fresh)}${orMore} ${isByCreation ? "new" : "changed"}`;
  return (
    <div className={styles.place}>
      <Announcement text={fresh > 0 ? words : ""} />
      {fresh > 0 && (
        <button type="button" className={styles.pill} onClick={showFresh}>
          <Icon name={isByCreation ? "up" : "reload"} />
          {words}
        </button>
      )}
    </div>
  );
}
