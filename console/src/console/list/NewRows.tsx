import { Icon } from "../design";
import { useKey } from "../keyboard";
import { useFormats } from "../time";
import { MOST_COUNTED } from "./fresh";
import styles from "./newRows.module.css";
import { useGrid, useList } from "./useList";

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
  return (
    <div role="status" className={styles.place}>
      {fresh > 0 && (
        <button type="button" className={styles.pill} onClick={showFresh}>
          <Icon name={isByCreation ? "up" : "reload"} />
          {formats.number(fresh)}
          {fresh >= MOST_COUNTED && "+"} {isByCreation ? "new" : "changed"}
        </button>
      )}
    </div>
  );
}
