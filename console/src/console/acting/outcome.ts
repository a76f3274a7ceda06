import type { StoodFragment } from "../generated/graphql";
import { type Refusal, Refused } from "../gateway";
import type { Work } from "./plan";

/** What some work came to. */
export interface Outcome {
  /** How many are as they should be. */
  changed: number;
  /** Those that were no longer as they had been when it was their turn, as they are now. */
  conflicts: readonly StoodFragment[];
  /** How many were gone. */
  missing: number;
  /** How many were changed or gone, who knows which. */
  slipped: number;
  /** What was not come to; null if it was all done. */
  rest: Work | null;
  /** Why it was not, unless the reader ended it. */
  refusal: Refusal | null;
  /** The work that undoes it; null if nothing can. */
  undo: Work | null;
}

/** The outcome before anything was done. */
export const NOTHING_YET: Outcome = {
  changed: 0,
  conflicts: [],
  missing: 0,
  slipped: 0,
  rest: null,
  refusal: null,
  undo: null,
};

/** What some work and the rest of it came to. */
export function together(before: Outcome, after: Outcome): Outcome {
  return {
    changed: before.changed + after.changed,
    conflicts: [...before.conflicts, ...after.conflicts],
    missing: before.missing + after.missing,
    slipped: before.slipped + after.slipped,
    rest: after.rest,
    refusal: after.refusal,
    undo: bothOf(before.undo, after.undo),
  };
}

/** How many executions an outcome is about. */
export function doneIn({ changed, conflicts, missing, slipped }: Outcome): number {
  return changed + conflicts.length + missing + slipped;
}

/** The rest of some work; what was in a request that was not answered may be done all the same. */
export function restAfter(
  refusal: Refusal | null,
  rest: Work,
  asked: readonly string[],
): Work | null {
  if (rest.count === 0) return null;
  if (refusal?.kind !== "away" && refusal?.kind !== "failure") return rest;
  return { ...rest, unsure: new Set([...(rest.unsure ?? []), ...asked]) };
}

/** Why the gateway refused. Throws what is no refusal. */
export function refusalIn(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  throw error;
}

function bothOf(one: Work | null, other: Work | null): Work | null {
  if (one?.kind !== "update" || other?.kind !== "update") return one ?? other;
  const guids = [...one.guids, ...other.guids];
  return { ...one, guids, count: guids.length };
}
