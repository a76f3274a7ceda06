import type { Row } from "./row";

/** How many rows are asked for at once. */
export const PAGE = 100;
/** How many rows are kept, around those that are seen. */
export const MOST_ROWS = 1_500;
/** How many rows one can scroll over; more would be higher than browsers can draw. */
const LONGEST = 300_000;
/** Room to scroll back into, from where the list was entered. */
const ROOM = 1_000;
/** How far from the rows something is seen that is better loaded by itself. */
const FAR = 3 * PAGE;
/** How many rows before the end of the rows the next ones are asked for. */
const EARLY = 40;
/** Placeholders after the last row while there are more. */
const AHEAD = 24;
const MOST_MARKS = 4_000;
/** How far from an end a row may be for the next page to be asked for from it. */
const NEAR = 20;

/** A place to load from: the rows after the cursor begin at an index. */
interface Mark {
  index: number;
  cursor: string;
}

/**
 * Rows that follow each other, in a space of indexes that one scrolls over. What is in the space
 * and not among the rows is loaded when it is seen.
 */
export interface Window {
  rows: readonly Row[];
  /** The index of the first of the rows. */
  start: number;
  /** How many executions are before the space, as far as it is known. */
  lead: number;
  /** By how many rows the space has moved since the beginning; whoever scrolls moves with it. */
  shift: number;
  hasBefore: boolean;
  hasAfter: boolean;
  marks: readonly Mark[];
}

/** An end of the rows. */
export type Edge = "first" | "last";

/** Before anything is known: there may be rows. */
export const EMPTY: Window = {
  rows: [],
  start: 0,
  lead: 0,
  shift: 0,
  hasBefore: false,
  hasAfter: true,
  marks: [],
};

/** The index after the last of the rows. */
export function endOf({ rows, start }: Window): number {
  return start + rows.length;
}

/** How many indexes there are to scroll over. */
export function lengthOf(window: Window): number {
  if (!window.hasAfter) return endOf(window);
  // What was passed can be leapt to again.
  return Math.max(endOf(window), window.marks.at(-1)?.index ?? 0) + AHEAD;
}

/** Rows that begin at a position among all, in the place of the ones before. */
export function entered(
  { shift }: Window,
  rows: readonly Row[],
  position: number,
  { hasBefore, hasAfter }: { hasBefore: boolean; hasAfter: boolean },
): Window {
  const start = hasBefore ? Math.max(Math.min(position, ROOM), 1) : 0;
  const lead = hasBefore ? Math.max(position - start, 0) : 0;
  return settled({ rows, start, lead, shift, hasBefore, hasAfter, marks: [] });
}

/** The window with a page at an end of its rows; those at the other end go where they are too many. */
export function extended(
  window: Window,
  edge: Edge,
  page: readonly Row[],
  more: { hasNextPage: boolean; hasPreviousPage: boolean },
): Window {
  return edge === "first"
    ? prepended(window, page, more.hasPreviousPage)
    : appended(window, page, more.hasNextPage);
}

function appended(window: Window, page: readonly Row[], hasAfter: boolean): Window {
  const rows = [...window.rows, ...unknown(window, page)];
  const extra = Math.max(0, Math.ceil((rows.length - MOST_ROWS) / PAGE) * PAGE);
  const marks = marked({ ...window, rows: rows.slice(0, extra) });
  return settled({
    ...window,
    rows: rows.slice(extra),
    start: window.start + extra,
    hasBefore: window.hasBefore || extra > 0,
    hasAfter,
    marks,
  });
}

function prepended(window: Window, page: readonly Row[], hasBefore: boolean): Window {
  const before = unknown(window, page);
  const rows = [...before, ...window.rows];
  const start = window.start - before.length;
  const hasExtra = rows.length > MOST_ROWS;
  const marks = [...window.marks];
  const cursor = rows[MOST_ROWS - 1]?.cursor;
  if (hasExtra && cursor) mark(marks, { index: start + MOST_ROWS, cursor });
  return settled({
    ...window,
    rows: rows.slice(0, MOST_ROWS),
    start,
    hasBefore,
    hasAfter: window.hasAfter || hasExtra,
    marks,
  });
}

/** The window at rows that were loaded from a mark, with the same space. */
export function revisited(
  window: Window,
  rows: readonly Row[],
  start: number,
  hasAfter: boolean,
): Window {
  const hasBefore = start > 0 || window.lead > 0;
  return settled({ ...window, rows, start, hasBefore, hasAfter, marks: marked(window) });
}

/** Where rows are missing for what is seen: next to an end of the rows, or far from them. */
export function missingFor(
  window: Window,
  { first, last }: { first: number; last: number },
): Edge | "elsewhere" | null {
  const { rows, start, hasBefore, hasAfter } = window;
  const end = endOf(window);
  if (rows.length === 0) return null;
  const isFar = (hasBefore && first < start - FAR) || (hasAfter && last > end + FAR);
  if (isFar) return "elsewhere";
  if (hasBefore && first < start + EARLY) return "first";
  return hasAfter && last > end - EARLY ? "last" : null;
}

/** The space moved under whoever scrolls, so that an index shows what is next to the rows. */
export function pulled(window: Window, index: number): Window {
  const by = index < window.start ? index + PAGE - window.start : index - endOf(window);
  return { ...moved(window, by), shift: window.shift };
}

/** Where to load from to see an index: the nearest mark before it, or the beginning. */
export function markBefore({ marks, lead }: Window, index: number): Mark | "beginning" | null {
  const nearest = marks.findLast((each) => each.index <= index && index - each.index < ROOM);
  if (nearest) return nearest;
  return lead === 0 && index < PAGE ? "beginning" : null;
}

/** The window with rows put in where they belong among its own, newest first. */
export function merged(window: Window, fresh: readonly Row[]): Window {
  const arriving = unknown(window, fresh).toReversed();
  // What came last goes first among those of one instant, which the sort leaves as they are.
  const rows = [...arriving, ...window.rows].sort(newestFirst);
  return {
    ...window,
    marks: window.marks.map((each) => ({ ...each, index: each.index + arriving.length })),
    rows: rows.slice(0, MOST_ROWS),
    hasAfter: window.hasAfter || rows.length > MOST_ROWS,
  };
}

/** The order of instants, which as the gateway writes them is that of their texts. */
function newestFirst(one: Row, other: Row): number {
  if (one.createdOn === other.createdOn) return 0;
  return one.createdOn < other.createdOn ? 1 : -1;
}

/** The rows at an end from which the next page can be asked for, the outermost one first. */
export function edgeOf({ rows }: Window, edge: Edge): readonly Row[] {
  return edge === "first" ? rows.slice(0, NEAR) : rows.slice(-NEAR).reverse();
}

/** The window with the cursors of a page at those of its rows that came without one. */
export function located(window: Window, page: readonly Row[]): Window {
  const cursors = new Map(page.map(({ guid, cursor }) => [guid, cursor]));
  const rows = window.rows.map((row) => ({
    ...row,
    cursor: row.cursor ?? cursors.get(row.guid) ?? null,
  }));
  return { ...window, rows };
}

function unknown({ rows }: Window, page: readonly Row[]): readonly Row[] {
  const known = new Set(rows.map(({ guid }) => guid));
  return page.filter(({ guid }) => !known.has(guid));
}

/** The marks of a window, and one after each page of its rows. */
function marked({ rows, start, marks: before }: Window): Mark[] {
  const marks = [...before];
  for (let at = PAGE; at <= rows.length; at += PAGE) {
    const cursor = rows[at - 1]?.cursor;
    if (cursor) mark(marks, { index: start + at, cursor });
  }
  return marks;
}

function mark(marks: Mark[], made: Mark): void {
  const place = marks.findIndex(({ index }) => index >= made.index);
  if (place < 0) marks.push(made);
  else marks.splice(place, marks[place]?.index === made.index ? 1 : 0, made);
  if (marks.length > MOST_MARKS) marks.splice(0, marks.length, ...marks.filter((_, at) => at % 2));
}

/** Move the space, with all that is in it, by some rows. */
function moved(window: Window, by: number): Window {
  return {
    ...window,
    start: window.start + by,
    lead: Math.max(0, window.lead - by),
    shift: window.shift + by,
    marks: window.marks
      .map(({ index, cursor }) => ({ index: index + by, cursor }))
      .filter(({ index }) => index >= 0),
  };
}

/** Keep the space in accordance with what is known: where it begins, and how long it may be. */
function settled(window: Window): Window {
  if (!window.hasBefore) return { ...moved(window, -window.start), lead: 0 };
  if (window.start <= 0) {
    return moved(window, (window.lead > 0 ? Math.min(ROOM, window.lead) : 1) - window.start);
  }
  const over = lengthOf(window) - LONGEST;
  return over > 0 ? moved(window, -Math.min(over + ROOM, window.start - 1)) : window;
}
