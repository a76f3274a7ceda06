import type { ExecutionFilter, MetFragment, StoodFragment } from "../generated/graphql";
import type { Refusal } from "../gateway";
import type { Acts } from "./acts";
import { allOf } from "./met";
import { NOTHING_YET, type Outcome, refusalIn, restAfter } from "./outcome";
import type { Work } from "./plan";
import type { Doing } from "./work";

/** Delete executions in batches, except those that have changed or are no longer in their state. */
export async function deleteAll(
  work: Work & { kind: "delete" },
  acts: Acts,
  { onProgress, isEnded }: Doing,
): Promise<Outcome> {
  const { rows, filter, unsure = new Set() } = work;
  const amount = acts.guidsAtOnce;
  const conflicts: StoodFragment[] = [];
  let [changed, missing, slipped, done] = [0, 0, 0, 0];
  let refusal: Refusal | null = null;
  while (done < rows.length && !isEnded()) {
    const from = done;
    let batch: readonly MetFragment[] = [];
    try {
      const affected = await amount.ask((most) => {
        batch = rows.slice(from, from + most);
        return deleted(asTheyWere(batch, filter), acts, most);
      });
      changed += affected;
      if (affected < batch.length) {
        const there = await stillThere(batch, acts);
        const gone = batch.length - affected - (there?.length ?? 0);
        const byUs = Math.min(gone, batch.filter(({ guid }) => unsure.has(guid)).length);
        conflicts.push(...(there ?? []));
        if (!there) slipped += gone;
        else [changed, missing] = [changed + byUs, missing + gone - byUs];
      }
    } catch (error) {
      refusal = refusalIn(error);
      break;
    }
    done += batch.length;
    onProgress(done);
  }
  const left = rows.slice(done);
  const rest = { ...work, rows: left, count: left.length };
  const tried = left.slice(0, amount.now).map(({ guid }) => guid);
  return {
    ...NOTHING_YET,
    changed,
    conflicts,
    missing,
    slipped,
    rest: restAfter(refusal, rest, tried),
    refusal,
  };
}

/** Delete all that match, and return how many did. */
async function deleted(filter: ExecutionFilter, acts: Acts, limit: number): Promise<number> {
  let affected = 0;
  for (;;) {
    const portion = await acts.matching(filter, null, limit);
    affected += portion.affected;
    if (!portion.hasMore) return affected;
  }
}

/** The filter of those of some executions that still are in their state and match. */
function asTheyWere(rows: readonly MetFragment[], filter: ExecutionFilter | null): ExecutionFilter {
  const states = [...new Set(rows.map(({ state }) => state))];
  const them = states.map((state) => {
    const those = rows.filter((row) => row.state === state);
    const guid = { in: those.map((row) => row.guid) };
    // What has changed since then was changed later than all of them.
    const until = filter && those.at(-1)?.updatedOn;
    return { state: { eq: state }, guid, ...(until && { updatedOn: { lte: until } }) };
  });
  return { and: [...(filter ? [filter] : []), { or: them }] };
}

/** Those of some executions that are there; null if the gateway does not say. */
async function stillThere(rows: readonly MetFragment[], acts: Acts) {
  try {
    return await allOf(
      rows.map(({ guid }) => guid),
      acts,
    );
  } catch (error) {
    refusalIn(error);
    return null;
  }
}
