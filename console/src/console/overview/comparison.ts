import { STATES } from "../design";
import type { ExecutionState } from "../generated/graphql";
import type { Counts } from "./folding";

/** The states of executions that have failed. Those that a person stopped have not. */
export const FAILED: readonly ExecutionState[] = ["ERROR", "TERMINATED", "TIMEOUT"];

/** How many executions are in some states. */
export function numberIn(counts: Counts, ...states: readonly ExecutionState[]): number {
  return STATES.reduce(
    (sum, state, index) => sum + (states.includes(state) ? (counts[index] ?? 0) : 0),
    0,
  );
}

/** How many executions there are. */
export function totalOf(counts: Counts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The share of those that finished, of all that finished or failed; null if none did. */
export function successRate(counts: Counts): number | null {
  const finished = numberIn(counts, "FINISHED");
  const ended = finished + numberIn(counts, ...FAILED);
  return ended === 0 ? null : finished / ended;
}

/** Which way a number went. */
export type Direction = "up" | "down" | "same";

/** How a number has changed. */
export interface Change {
  direction: Direction;
  /** By what share of what it was; null where it was nothing. */
  share: number | null;
}

/** How a number has changed since the period before. */
export function changeOf(now: number, before: number): Change {
  const share = before === 0 ? null : (now - before) / before;
  return { direction: directionOf(now - before), share };
}

/** How many percentage points a share has changed by, to a tenth, and which way. */
export function pointsOf(now: number, before: number): { direction: Direction; points: number } {
  const points = Math.round((now - before) * 1_000) / 10;
  return { direction: directionOf(points), points: Math.abs(points) };
}

function directionOf(difference: number): Direction {
  if (difference === 0) return "same";
  return difference > 0 ? "up" : "down";
}
