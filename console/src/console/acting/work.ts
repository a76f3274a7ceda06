import type { StoodFragment } from "../generated/graphql";
import type { Refusal } from "../gateway";
import type { Acts } from "./acts";
import { deleteAll } from "./deletion";
import { NOTHING_YET, type Outcome, refusalIn, restAfter } from "./outcome";
import type { Work } from "./plan";

const MATCHING_AT_ONCE = 1_000;

/** What work is done with. */
export interface Doing {
  /** How many are done, whatever came of them. */
  onProgress(done: number): void;
  /** Whether to end after the batch that runs. */
  isEnded(): boolean;
}

/** Do some work in batches. What is refused in between is part of the outcome. */
export async function carryOut(work: Work, acts: Acts, doing: Doing): Promise<Outcome> {
  if (work.kind === "update") return update(work, acts, doing);
  return work.kind === "delete" ? deleteAll(work, acts, doing) : allMatching(work, acts, doing);
}

async function update(
  work: Work & { kind: "update" },
  acts: Acts,
  { onProgress, isEnded }: Doing,
): Promise<Outcome> {
  const { change, guids, unsure = new Set() } = work;
  const amount = acts.guidsAtOnce;
  const changed: string[] = [];
  const conflicts: StoodFragment[] = [];
  let [already, missing, done] = [0, 0, 0];
  let refusal: Refusal | null = null;
  while (done < guids.length && !isEnded()) {
    try {
      const from = done;
      const batch = await amount.ask((most) => acts.update(guids.slice(from, from + most), change));
      changed.push(...batch.changed);
      missing += batch.missing;
      for (const conflict of batch.conflicts) {
        if (conflict.state !== change.state) conflicts.push(conflict);
        else if (unsure.has(conflict.guid)) changed.push(conflict.guid);
        else already += 1;
      }
    } catch (error) {
      refusal = refusalIn(error);
      break;
    }
    done = Math.min(guids.length, done + amount.now);
    onProgress(done);
  }
  const left = guids.slice(done);
  const rest = { ...work, guids: left, count: left.length };
  return {
    ...NOTHING_YET,
    changed: changed.length + already,
    conflicts,
    missing,
    rest: restAfter(refusal, rest, left.slice(0, amount.now)),
    refusal,
    undo: undoing(work, changed),
  };
}

async function allMatching(
  work: Work & { kind: "matching" },
  acts: Acts,
  { onProgress, isEnded }: Doing,
): Promise<Outcome> {
  const { filter, change, count } = work;
  let [changed, isDone] = [0, false];
  let refusal: Refusal | null = null;
  while (!isDone && !isEnded()) {
    try {
      const portion = await acts.matching(filter, change, MATCHING_AT_ONCE);
      changed += portion.affected;
      isDone = !portion.hasMore;
    } catch (error) {
      refusal = refusalIn(error);
      break;
    }
    onProgress(Math.min(changed, count));
  }
  const remaining = Math.max(0, count - changed);
  return {
    ...NOTHING_YET,
    changed,
    slipped: isDone ? remaining : 0,
    rest: isDone ? null : { ...work, count: remaining },
    refusal,
  };
}

/** The work that gives executions the state back that they had. */
function undoing({ change }: Work & { kind: "update" }, guids: readonly string[]): Work | null {
  if (!change.state || !change.expectedState || guids.length === 0) return null;
  const back = { state: change.expectedState, expectedState: change.state };
  return { kind: "update", change: back, guids, count: guids.length };
}
