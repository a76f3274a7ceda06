import { useKept } from "../kept";
import type { OrderKey } from "../list/order";

/** The columns of the list, in their order. */
export const COLUMNS = [
  { key: "state", name: "State", order: "state" },
  { key: "flow", name: "Agentflow", order: "flow" },
  { key: "session", name: "Session", order: "session" },
  { key: "created", name: "Created", order: "created" },
  { key: "duration", name: "Duration", order: "duration" },
  { key: "updated", name: "Updated", order: "updated" },
  { key: "guid", name: "Guid", order: null },
] as const satisfies readonly { key: string; name: string; order: OrderKey | null }[];

/** A column of the list. */
export type Column = (typeof COLUMNS)[number];
/** The name of a column in the code. */
export type ColumnKey = Column["key"];

/** What the list is ordered by with a column; the API has no order by names. */
export function orderNameOf({ key, name }: Column): string {
  return key === "flow" ? "Agentflow id" : name;
}

/** The columns that the reader sees, and what hides one or shows it again. */
export function useColumns(): {
  columns: readonly Column[];
  hidden: ReadonlySet<string>;
  toggle(key: ColumnKey): void;
} {
  const [hidden, hide] = useKept("hiddenColumns", readHidden);
  const names = new Set<string>(hidden);
  return {
    columns: COLUMNS.filter(({ key }) => !names.has(key)),
    hidden: names,
    toggle: (key) =>
      hide((before) =>
        before.includes(key) ? before.filter((each) => each !== key) : [...before, key],
      ),
  };
}

function readHidden(kept: unknown): readonly string[] {
  if (!Array.isArray(kept)) return [];
  const hidden = COLUMNS.map(({ key }) => key).filter((key) => kept.includes(key));
  // An execution is told by something.
  return hidden.length < COLUMNS.length ? hidden : [];
}
