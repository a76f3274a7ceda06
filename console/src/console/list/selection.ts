import type { ExecutionFilter } from "../generated/graphql";

/** Which executions are selected. */
export type Selection =
  | { kind: "none" }
  /** These ones. */
  | { kind: "some"; guids: ReadonlySet<string> }
  /** All that matched `filter` when they were selected, but those which were taken out since. */
  | {
      kind: "all";
      /** What is listed; it names neither a time nor what was taken out. */
      filter: ExecutionFilter | null;
      /** How many they were, less what was taken out. */
      total: number;
      /**
       * When the last of them was changed. What changes later is not among them, which no clock but
       * the database's tells.
       */
      until: string;
      except: ReadonlySet<string>;
    };

/** What a selection has to know of an execution. */
export interface Selectable {
  guid: string;
  updatedOn: string;
}

/** No execution is selected. */
export const NO_SELECTION: Selection = { kind: "none" };

/** Select these executions; none of them is no selection. */
export function some(guids: Iterable<string>): Selection {
  const chosen = new Set(guids);
  return chosen.size > 0 ? { kind: "some", guids: chosen } : NO_SELECTION;
}

/** Select all that match a filter; the last of them was changed at `until`. */
export function all(filter: ExecutionFilter | null, total: number, until: string): Selection {
  return total > 0 ? { kind: "all", filter, total, until, except: new Set() } : NO_SELECTION;
}

/** Whether an execution is selected. One that has changed since is no longer among all. */
export function includes(selection: Selection, { guid, updatedOn }: Selectable): boolean {
  if (selection.kind === "none") return false;
  if (selection.kind === "some") return selection.guids.has(guid);
  return !selection.except.has(guid) && Date.parse(updatedOn) <= Date.parse(selection.until);
}

/** How many executions are selected. */
export function sizeOf(selection: Selection): number {
  if (selection.kind === "none") return 0;
  return selection.kind === "some" ? selection.guids.size : selection.total;
}

/** Add an execution to a selection, or take it out if it is in it. */
export function toggled(selection: Selection, row: Selectable): Selection {
  const { guid } = row;
  if (selection.kind === "none") return some([guid]);
  if (selection.kind === "some") {
    const guids = new Set(selection.guids);
    if (!guids.delete(guid)) guids.add(guid);
    return some(guids);
  }
  const except = new Set(selection.except);
  if (except.delete(guid)) return { ...selection, total: selection.total + 1, except };
  if (!includes(selection, row)) return selection;
  except.add(guid);
  const total = selection.total - 1;
  return total > 0 ? { ...selection, total, except } : NO_SELECTION;
}

/** Add executions to a selection. */
export function extended(selection: Selection, rows: readonly Selectable[]): Selection {
  if (selection.kind !== "all") {
    const before = selection.kind === "some" ? selection.guids : [];
    return some([...before, ...rows.map(({ guid }) => guid)]);
  }
  return rows.reduce<Selection>(
    (chosen, row) =>
      chosen.kind === "all" && chosen.except.has(row.guid) ? toggled(chosen, row) : chosen,
    selection,
  );
}

/** The filter of exactly what is selected when all are, for what is to be done with them. */
export function filterOf(selection: Selection & { kind: "all" }): ExecutionFilter {
  const { filter, until, except } = selection;
  return {
    and: [
      ...(filter ? [filter] : []),
      { updatedOn: { lte: until } },
      ...(except.size > 0 ? [{ guid: { notIn: [...except] } }] : []),
    ],
  };
}
