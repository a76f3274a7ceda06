import { IconButton, Menu } from "../design";
import { COLUMNS, type ColumnKey, useColumns } from "./columns";
import styles from "./table.module.css";

/** The classes that show for which columns there is no room: those that the list then hides. */
const NO_ROOM: Partial<Record<ColumnKey, string | undefined>> = {
  session: styles.noRoomForSession,
  updated: styles.noRoomForUpdated,
  guid: styles.noRoomForGuid,
};

/** Hides columns, and shows them again. */
export function ColumnsMenu() {
  const { columns, hidden, toggle } = useColumns();
  return (
    <Menu
      label="Columns"
      placement={{ align: "end" }}
      trigger={(attributes) => <IconButton icon="columns" label="Columns" {...attributes} />}
      items={COLUMNS.map(({ key, name }) => ({
        name,
        isChecked: !hidden.has(key),
        note: key in NO_ROOM && !hidden.has(key) && (
          <span className={NO_ROOM[key]}>There is no room for it now</span>
        ),
        off:
          columns.length === 1 && !hidden.has(key) ? "The last column can’t be hidden" : undefined,
        staysOpen: true,
        choose: () => toggle(key),
      }))}
    />
  );
}
