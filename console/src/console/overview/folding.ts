import type { TimeBucket } from "../generated/graphql";
import { DAY_MS, HOUR_MS, type Span, WEEK_MS } from "../time";

const FIXED = { HOUR: HOUR_MS, DAY: DAY_MS, WEEK: WEEK_MS } as const;
/** The first Monday of 1970, from which weeks are counted. */
const MONDAY_MS = 4 * DAY_MS;

/** How many executions are in each state, in the order of the states. */
export type Counts = readonly number[];

/** A bucket of the API, as far as it matters here. */
export interface Bucket {
  /** In milliseconds since 1970. */
  start: number;
  counts: Counts;
}

/**
 * What has to be counted apart, since bars begin within buckets: midnight in Kolkata is at half
 * past an hour of UTC, whose buckets can't be divided by whoever has them alone. A layer has of
 * each bucket one piece at most, so that one timeline counts all pieces of a layer; the piece that
 * a bucket begins with is what remains of it.
 */
export function layersOf(bounds: readonly number[], unit: TimeBucket): Span[][] {
  const layers: Span[][] = [];
  for (const [start, within] of boundsIn(bounds, unit)) {
    within.forEach((from, index) => {
      const until = within[index + 1] ?? endOf(unit, start);
      (layers[index] ??= []).push({ from, until });
    });
  }
  return layers;
}

/** The counts of bars, from those of whole buckets and of the layers of pieces in them. */
export function folded(
  bounds: readonly number[],
  unit: TimeBucket,
  whole: readonly Bucket[],
  layers: readonly (readonly Bucket[])[],
): Counts[] {
  const states = whole[0]?.counts.length ?? 0;
  const bars = Array.from({ length: bounds.length - 1 }, () => new Array<number>(states).fill(0));
  const cuts = boundsIn(bounds, unit);
  const pieces = layers.map((layer) => new Map(layer.map(({ start, counts }) => [start, counts])));

  function add(at: number, counts: Counts) {
    const bar = bars[barAt(bounds, at)];
    counts.forEach((count, index) => {
      if (bar) bar[index] = (bar[index] ?? 0) + count;
    });
  }

  for (const { start, counts } of whole) {
    let rest = counts;
    (cuts.get(start) ?? []).forEach((from, index) => {
      const piece = pieces[index]?.get(start);
      if (!piece) return;
      add(from, piece);
      // Pieces may have been counted a moment later than the whole.
      rest = rest.map((count, state) => Math.max(0, count - (piece[state] ?? 0)));
    });
    add(start, rest);
  }
  return bars;
}

/** The bar that an instant is in; the first or the last one for what is outside. */
function barAt(bounds: readonly number[], instant: number): number {
  let [low, high] = [0, bounds.length - 2];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((bounds[middle] ?? 0) <= instant) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The bounds between bars that are within buckets, by the starts of these. */
function boundsIn(bounds: readonly number[], unit: TimeBucket): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const bound of bounds.slice(1, -1)) {
    const start = startOf(unit, bound);
    if (start === bound) continue;
    const others = found.get(start);
    if (others) others.push(bound);
    else found.set(start, [bound]);
  }
  return found;
}

/** When the bucket that an instant is in begins, in UTC. */
export function startOf(unit: TimeBucket, instant: number): number {
  if (unit === "MONTH") {
    const date = new Date(instant);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  }
  const offset = unit === "WEEK" ? MONDAY_MS : 0;
  return Math.floor((instant - offset) / FIXED[unit]) * FIXED[unit] + offset;
}

function endOf(unit: TimeBucket, start: number): number {
  if (unit !== "MONTH") return start + FIXED[unit];
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
