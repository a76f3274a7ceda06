import type { Formats } from "./formats";
import { DAY_MS, FIRST_INSTANT, HOUR_MS, LAST_INSTANT, MINUTE_MS, WEEK_MS } from "./units";
import { instantOf, startOfNextDay } from "./zone";

const UNITS = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: WEEK_MS } as const;
const LENGTHS = [
  [DAY_MS, "day"],
  [HOUR_MS, "hour"],
  [MINUTE_MS, "minute"],
] as const;
const LAST = /^(\d{1,5})([mhdw])$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/** From an instant up to before another, in milliseconds since 1970. */
export interface Span {
  from: number;
  until: number;
}

/**
 * A range of time: the last so many milliseconds, or from one instant up to before another (in
 * milliseconds since 1970; null where it is open).
 */
export type Range =
  | { kind: "all" }
  | { kind: "last"; length: number }
  | { kind: "between"; from: number | null; until: number | null };

/** Ranges to choose from, with their names, and what they are called where there is little room. */
export const PRESETS = [
  { range: "1h", name: "Last hour", short: "1h" },
  { range: "24h", name: "Last 24 hours", short: "24h" },
  { range: "7d", name: "Last 7 days", short: "7d" },
  { range: "30d", name: "Last 30 days", short: "30d" },
] as const;

/**
 * Read a range as it stands in an address: `all` (or nothing), `24h`, or `FROM..TO` where both are
 * dates or instants in ISO 8601, and one may be missing. Dates are days of `zone`, the last one
 * included. Null if it is no range.
 */
export function parseRange(text: string, zone: string): Range | null {
  if (text === "" || text === "all") return { kind: "all" };
  const last = LAST.exec(text);
  if (last) {
    const length = Number(last[1]) * UNITS[last[2] as keyof typeof UNITS];
    return length > 0 ? { kind: "last", length } : null;
  }
  const [first, second, ...more] = text.split("..");
  if (first === undefined || second === undefined || more.length > 0) return null;
  const from = first === "" ? null : instantIn(first, zone);
  const until = second === "" ? null : instantIn(second, zone, true);
  if (from === undefined || until === undefined) return null;
  if (from === null && until === null) return null;
  if (from !== null && until !== null && from >= until) return null;
  return { kind: "between", from, until };
}

/** Write a range as it stands in an address. */
export function printRange(range: Range): string {
  if (range.kind === "all") return "all";
  if (range.kind === "between") return `${printed(range.from)}..${printed(range.until)}`;
  for (const unit of ["d", "h"] as const) {
    // A day is written as 24 hours, which it has everywhere.
    if (range.length % UNITS[unit] === 0 && range.length > UNITS[unit]) {
      return `${range.length / UNITS[unit]}${unit}`;
    }
  }
  return range.length === UNITS.h ? "1h" : `${Math.round(range.length / UNITS.m)}m`;
}

/** A range in words. */
export function wordsOf(range: Range, formats: Formats): string {
  if (range.kind === "all") return "All time";
  if (range.kind === "last") {
    const preset = PRESETS.find((each) => each.range === printRange(range));
    return preset?.name ?? `Last ${lengthInWords(range.length, formats)}`;
  }
  const { from, until } = range;
  if (from === null) return until === null ? "All time" : `Before ${formats.minute(until)}`;
  return until === null ? `Since ${formats.minute(from)}` : formats.between(from, until);
}

/**
 * The instants of a range at a moment: from, and up to before, in milliseconds since 1970 as the
 * moment is; null where it is open.
 */
export function boundsOf(range: Range, now: number): { from: number | null; until: number | null } {
  if (range.kind === "all") return { from: null, until: null };
  if (range.kind === "last") return { from: now - range.length, until: null };
  return { from: range.from, until: range.until };
}

/** The equally long period before a range; null if there is none, as where nothing has begun yet. */
export function periodBefore(range: Range, now: number): Span | null {
  const { from, until } = boundsOf(range, now);
  if (from === null) return null;
  const length = (until ?? now) - from;
  return length > 0 && from - length >= FIRST_INSTANT ? { from: from - length, until: from } : null;
}

/** The condition on a time that a range is at a moment, in ISO 8601 for the API; null if it is none. */
export function conditionOf(range: Range, now: number): { gte?: string; lt?: string } | null {
  const { from, until } = boundsOf(range, now);
  if (from === null && until === null) return null;
  return {
    ...(from !== null && { gte: new Date(from).toISOString() }),
    ...(until !== null && { lt: new Date(until).toISOString() }),
  };
}

/** A length of whole minutes, in its largest unit that leaves nothing over: `36 hours`. */
function lengthInWords(length: number, formats: Formats): string {
  const [size, unit] = LENGTHS.find(([each]) => length % each === 0) ?? [MINUTE_MS, "minute"];
  const count = Math.round(length / size);
  return count === 1 ? unit : `${formats.number(count)} ${unit}s`;
}

function instantIn(text: string, zone: string, isLast = false): number | undefined {
  const date = DATE.exec(text);
  if (!date) {
    const hasOffset = /(?:Z|[+-]\d\d:?\d\d)$/.test(text);
    const instant = hasOffset ? Date.parse(text) : NaN;
    return instant >= FIRST_INSTANT && instant <= LAST_INSTANT ? instant : undefined;
  }
  const [year = 0, month = 0, day = 0] = date.slice(1).map(Number);
  if (year === 0) return undefined;
  // Neither the 13th month nor the 30th of February.
  const given = new Date(0);
  given.setUTCFullYear(year, month - 1, day);
  if (given.getUTCMonth() !== month - 1 || given.getUTCDate() !== day) return undefined;
  const midnight = instantOf({ year, month, day, hour: 0, minute: 0, second: 0 }, zone);
  return asTaken(isLast ? startOfNextDay(midnight, zone) : midnight);
}

/** An instant, or the nearest one that the gateway takes. */
function asTaken(instant: number): number {
  return Math.min(Math.max(instant, FIRST_INSTANT), LAST_INSTANT);
}

function printed(instant: number | null): string {
  return instant === null ? "" : new Date(instant).toISOString().replace(/:00\.000Z$|\.000Z$/, "Z");
}
