import { graphql } from "../generated/gql";
import type { ExecutionFilter } from "../generated/graphql";
import type { Gateway } from "./client";
import { type Refusal, Refused } from "./refusals";

const CHANGES = graphql(`
  subscription ExecutionChanges($filter: ExecutionFilter, $after: String) {
    executionEvents(filter: $filter, after: $after) {
      cursor
    }
  }
`);

/** How far apart requests are at least when something has changed, and at most when nothing has. */
const SHORTEST_MS = 4_000;
const LONGEST_MS = 60_000;
/** Requests take a fifth of the time at most, however long they take. */
const SHARE = 5;

/** What was found of some executions. */
interface Found {
  /** Which executions it is about. */
  filter: ExecutionFilter | null;
  /** Its place among the changes of executions. */
  eventCursor: string;
}

/** Who is told what was found. */
export interface Told<Finding> {
  found(finding: Finding): void;
  refused(refusal: Refusal): void;
}

/**
 * Ask now, and again, quietly, when executions change, and as time passes, until what is returned
 * is called. While the page is hidden, nothing is asked for.
 */
export function keepAsking<Finding extends Found>(
  gateway: Gateway,
  find: (signal: AbortSignal) => Promise<Finding>,
  told: Told<Finding>,
): () => void {
  const ended = new AbortController();
  let unfollow: (() => void) | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  let hasChanged = false;
  let askedAt = 0;
  let took = 0;

  async function ask() {
    clearTimeout(timer);
    isAsking = true;
    hasChanged = false;
    askedAt = Date.now();
    try {
      const finding = await find(ended.signal);
      told.found(finding);
      if (!document.hidden) unfollow ??= follow(finding);
    } catch (error) {
      if (ended.signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      told.refused(error.refusal);
    }
    isAsking = false;
    took = Date.now() - askedAt;
    schedule();
  }

  function schedule() {
    if (isAsking || document.hidden || ended.signal.aborted) return;
    clearTimeout(timer);
    const wait = Math.max(hasChanged ? SHORTEST_MS : LONGEST_MS, SHARE * took);
    timer = setTimeout(() => void ask(), Math.max(0, askedAt + wait - Date.now()));
  }

  function follow({ filter, eventCursor }: Found): () => void {
    return gateway.live.follow(
      CHANGES,
      { filter, after: eventCursor },
      {
        next({ executionEvents: { cursor } }) {
          if (!hasChanged) {
            hasChanged = true;
            schedule();
          }
          return cursor;
        },
        expired() {
          unfollow = null;
          hasChanged = true;
          schedule();
        },
        refused: () => undefined,
      },
    );
  }

  function onVisibility() {
    if (document.hidden) {
      clearTimeout(timer);
      unfollow?.();
      unfollow = null;
      return;
    }
    // Nobody has told what changed meanwhile.
    hasChanged = true;
    schedule();
  }

  document.addEventListener("visibilitychange", onVisibility);
  void ask();
  return () => {
    ended.abort();
    document.removeEventListener("visibilitychange", onVisibility);
    clearTimeout(timer);
    unfollow?.();
  };
}
