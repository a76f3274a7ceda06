import { IconButton, Menu } from "../design";
import { COLUMNS, useColumns } from "./columns";

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
        off:
          columns.length === 1 && !hidden.has(key) ? "The last column can’t be hidden" : undefined,
        staysOpen: true,
        choose: () => toggle(key),
      }))}
    />
  );
}
