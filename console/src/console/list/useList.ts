import { createContext, use } from "react";

import type { ExecutionFilter, ExecutionOrder } from "../generated/graphql";
import type { Refusal } from "../gateway";
import type { ListStore } from "./ListStore";
import type { Question } from "./question";
import type { Row } from "./row";
import type { Selection } from "./selection";
import type { Snapshot } from "./snapshot";

/** The list of executions that the address asks for, and what the reader does in it. */
export interface List {
  /** What is listed: the address's filter and its range; null for all executions. */
  filter: ExecutionFilter | null;
  orderBy: readonly ExecutionOrder[];
  /** How many there are; null until it is known. */
  total: number | null;
  /** The rows around the place of the reader, in their order; not all there are. */
  rows: readonly Row[];
  /** Whether rows are being loaded. */
  isLoading: boolean;
  /** Why there are no rows, or no further ones. */
  refusal: Refusal | null;
  /** How many came that are not shown yet. */
  fresh: number;
  /** The guid of the row that keys are about; null for none. */
  anchor: string | null;
  selection: Selection;
  /** Whether all that match are about to be selected. */
  isSelecting: boolean;
  /** What is known of an execution that is loaded or selected. */
  rowOf(guid: string): Row | null;
  /** The guids before and after one in the list, as far as they are loaded. */
  neighboursOf(guid: string): { before: string | null; after: string | null };
  /** Move the place of keys by so many rows; the execution that is open changes with it. */
  move(by: number): void;
  /** Replace the selection. */
  select(selection: Selection): void;
  /** Select an execution, or take it out of the selection. */
  toggle(guid: string): void;
  /** Select all that match, as they are when the gateway answers. */
  selectAll(): void;
  /** Load the list anew, and keep the place. */
  reload(): void;
  /** Load the list anew, from its beginning. */
  showFresh(): void;
}

/** Where `ListProvider` puts the list; use `useList`. */
export const ListContext = createContext<List | null>(null);

/** The list of executions. While another view is shown, it is the one that was shown last. */
export function useList(): List {
  const list = use(ListContext);
  if (!list) throw new Error("This must be inside a ListProvider");
  return list;
}

/** A row to bring into view, and to give the focus; another object each time. */
export interface Shown {
  guid: string;
}

/** What the list's own parts share besides. */
export interface Grid {
  store: ListStore;
  snapshot: Snapshot;
  question: Question;
  shown: Shown | null;
  /** Where the rows are that are loaded, by their guids. */
  indexes: ReadonlyMap<string, number>;
  /** Open an execution beside the list. */
  open(guid: string): void;
  /** Give a row to the keys, and bring it into view. */
  setAnchor(guid: string): void;
  toggle(row: Row): void;
  /** Select what is between the row that was selected last and this one. */
  extendTo(row: Row): void;
}

/** Where `ListProvider` puts what the parts of the list share; use `useGrid`. */
export const GridContext = createContext<Grid | null>(null);

/** What the list's own parts share. */
export function useGrid(): Grid {
  const grid = use(GridContext);
  if (!grid) throw new Error("This must be inside a ListProvider");
  return grid;
}
