import type { StoodFragment } from "../generated/graphql";
import { type Refusal, Refused } from "../gateway";
import type { Acts } from "./acts";
import type { Work } from "./plan";
import { chunksOf } from "./target";

const NAMED_AT_ONCE = 250;
const MATCHING_AT_ONCE = 1_000;

/** What some work came to. */
export interface Outcome {
  /** How many are as they should be. */
  changed: number;
  /** Those that had another state when it was their turn, as they are now. */
  conflicts: readonly StoodFragment[];
  /** How many were gone. */
  missing: number;
  /** How many no longer matched when it was their turn. */
  slipped: number;
  /** What was not come to; null if it was all done. */
  rest: Work | null;
  /** Why it was not, unless the reader ended it. */
  refusal: Refusal | null;
  /** The work that undoes it; null if nothing can. */
  undo: Work | null;
}

interface Doing {
  /** How many are done, whatever came of them. */
  onProgress(done: number): void;
  /** Whether to end after the batch that runs. */
  isEnded(): boolean;
}

/** Do some work in batches. What is refused in between is part of the outcome. */
export async function carryOut(work: Work, acts: Acts, doing: Doing): Promise<Outcome> {
  const { on } = work;
  return "guids" in on
    ? carryOutNamed(work, on.guids, acts, doing)
    : carryOutMatching(work, on.filters, acts, doing);
}

async function carryOutNamed(
  work: Work,
  guids: readonly string[],
  acts: Acts,
  { onProgress, isEnded }: Doing,
): Promise<Outcome> {
  const changed: string[] = [];
  const conflicts: StoodFragment[] = [];
  let missing = 0;
  let done = 0;
  let refusal: Refusal | null = null;
  for (const chunk of chunksOf(guids, NAMED_AT_ONCE)) {
    if (isEnded()) break;
    try {
      const batch = await acts.chosen(chunk, work.change);
      changed.push(...batch.changed);
      conflicts.push(...batch.conflicts);
      missing += batch.missing;
    } catch (error) {
      refusal = refusalIn(error);
      break;
    }
    done += chunk.length;
    onProgress(done);
  }
  const left = guids.slice(done);
  return {
    changed: changed.length,
    conflicts,
    missing,
    slipped: 0,
    rest: left.length > 0 ? { ...work, on: { guids: left }, count: left.length } : null,
    refusal,
    undo: undoing(work, changed),
  };
}

async function carryOutMatching(
  work: Work,
  filters: Extract<Work["on"], { filters: unknown }>["filters"],
  acts: Acts,
  { onProgress, isEnded }: Doing,
): Promise<Outcome> {
  const left = [...filters];
  let changed = 0;
  let refusal: Refusal | null = null;
  while (left[0] && !isEnded()) {
    try {
      const portion = await acts.matching(left[0], work.change, MATCHING_AT_ONCE);
      changed += portion.affected;
      if (!portion.hasMore) left.shift();
    } catch (error) {
      refusal = refusalIn(error);
      break;
    }
    onProgress(Math.min(changed, work.count));
  }
  const isDone = left.length === 0;
  const remaining = Math.max(0, work.count - changed);
  return {
    changed,
    conflicts: [],
    missing: 0,
    slipped: isDone ? remaining : 0,
    rest: isDone ? null : { ...work, on: { filters: left }, count: remaining },
    refusal,
    undo: null,
  };
}

/** The work that gives executions the state back that they had. */
function undoing({ change }: Work, guids: readonly string[]): Work | null {
  if (!change?.state || !change.expectedState || guids.length === 0) return null;
  const back = { state: change.expectedState, expectedState: change.state };
  return { change: back, on: { guids }, count: guids.length };
}

function refusalIn(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  throw error;
}
