import type { TimeBucket } from "../generated/graphql";
import {
  DAY_MS,
  HOUR_MS,
  instantOf,
  MINUTE_MS,
  offsetAt,
  startOfDay,
  startOfNextDay,
  wallTimeAt,
} from "../time";

const MOST_BARS = 62;
const BLOCK_HOURS = 3;

/** How long the bars of a timeline are. */
export type Width = "minute" | "hour" | "block" | "day" | "week" | "month" | "year";

/** The bars of a timeline, in the days of the reader. */
export interface Bars {
  width: Width;
  /** How long one is, usually, in milliseconds. */
  length: number;
  /** The buckets of the API that they are made of, the longest that do. */
  unit: TimeBucket;
  /** Where bars begin, and where the last one ends, in milliseconds since 1970. */
  bounds: readonly number[];
}

type Choice = Omit<Bars, "bounds"> & { upTo: number };

// With the lengths of ranges up to which each is chosen: a bit more than people ask for, since
// ranges go on to the end of a bar. Of the shortest, which the API has no buckets
// of, there are as many to an hour as two requests can count: see `layersOf`.
const CHOICES: readonly Choice[] = [
  { width: "minute", unit: "HOUR", length: 5 * MINUTE_MS, upTo: 2.25 * HOUR_MS },
  { width: "minute", unit: "HOUR", length: 15 * MINUTE_MS, upTo: 12.5 * HOUR_MS },
  { width: "hour", unit: "HOUR", length: HOUR_MS, upTo: 50 * HOUR_MS },
  { width: "block", unit: "HOUR", length: BLOCK_HOURS * HOUR_MS, upTo: 7.5 * DAY_MS },
  { width: "day", unit: "HOUR", length: DAY_MS, upTo: MOST_BARS * DAY_MS },
  { width: "week", unit: "DAY", length: 7 * DAY_MS, upTo: MOST_BARS * 7 * DAY_MS },
  { width: "month", unit: "DAY", length: 28 * DAY_MS, upTo: MOST_BARS * 30 * DAY_MS },
];
const LONGEST: Choice = { width: "year", unit: "MONTH", length: 365 * DAY_MS, upTo: Infinity };

/** Divide a range of time into bars that begin with minutes, hours, days … of a zone. */
export function barsOf(from: number, until: number, zone: string): Bars {
  const choice = choiceFor(from, until);
  const bounds = [from];
  let next = endOf(choice, from, zone);
  while (next < until) {
    bounds.push(next);
    next = endOf(choice, next, zone);
  }
  const { width, length, unit } = choice;
  return { width, length, unit, bounds: [...bounds, until] };
}

/** When the bar that the end of a range is in ends, for ranges that go on. */
export function endOfLastBar(from: number, until: number, zone: string): number {
  const choice = choiceFor(from, until);
  return endOf(choice, until, zone);
}

function choiceFor(from: number, until: number): Choice {
  return CHOICES.find(({ upTo }) => until - from <= upTo) ?? LONGEST;
}

/** When the bar that an instant is in ends. */
function endOf({ width, length }: Choice, instant: number, zone: string): number {
  switch (width) {
    case "minute":
    case "hour":
      return Math.floor(instant / length) * length + length;
    case "block":
      return endOfBlock(instant, zone);
    case "day":
      return startOfNextDay(instant, zone);
    default:
      return endOfDays(width, instant, zone);
  }
}

/** Blocks are of three hours by the clock; when clocks are put back, one of them is longer. */
function endOfBlock(instant: number, zone: string): number {
  const wall = wallTimeAt(instant, zone);
  const hour = (Math.floor(wall.hour / BLOCK_HOURS) + 1) * BLOCK_HOURS;
  if (hour >= 24) return startOfNextDay(instant, zone);
  const end = instantOf({ ...wall, hour, minute: 0, second: 0 }, zone);
  // The clocks were put over the end of it.
  return end > instant ? end : instant + HOUR_MS;
}

function endOfDays(width: Width, instant: number, zone: string): number {
  const midnight = startOfDay(instant, zone);
  const { year, month, day } = wallTimeAt(midnight, zone);
  const atMidnight = { hour: 0, minute: 0, second: 0 };
  if (width === "year") return instantOf({ year: year + 1, month: 1, day: 1, ...atMidnight }, zone);
  if (width === "month") return instantOf({ year, month: month + 1, day: 1, ...atMidnight }, zone);
  const weekday = new Date(midnight + offsetAt(midnight, zone)).getUTCDay();
  return instantOf({ year, month, day: day + ((8 - weekday) % 7 || 7), ...atMidnight }, zone);
}
