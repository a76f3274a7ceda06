import { useEffect, useState } from "react";

import { graphql } from "../generated/gql";
import { type Gateway, type Refusal, Refused, useGateway } from "../gateway";
import { type Asked, type Figures, figuresOf } from "./figures";

const CHANGES = graphql(`
  subscription OverviewChanges($filter: ExecutionFilter, $after: String) {
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

/** The figures that were shown last, so that coming back to them shows something at once. */
const shownLast = new WeakMap<Gateway, { key: string; figures: Figures }>();

interface Known {
  /** What it is about. */
  key: string;
  figures: Figures | null;
  refusal: Refusal | null;
}

/** What is known of the figures. */
export interface Answer {
  /** The newest figures; those of what was asked for before, while others are asked for. */
  figures: Figures | null;
  /** Why there are none, or none that are new. */
  refusal: Refusal | null;
  /** Whether the figures are not those that are asked for. */
  isLoading: boolean;
  again(): void;
}

/**
 * The figures of some executions; asked for anew, quietly, when executions change, and as time
 * passes. While the page is hidden, nothing is asked for. Null asks for nothing.
 */
export function useFigures(asked: Asked | null): Answer {
  const gateway = useGateway();
  const key = JSON.stringify(asked);
  const [known, setKnown] = useState<Known>(() => {
    const last = shownLast.get(gateway);
    return { key: "", refusal: null, figures: last?.key === key ? last.figures : null };
  });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const about = JSON.parse(key) as Asked | null;
    if (about === null) return;
    return keepAsking(gateway, about, {
      figures(figures) {
        shownLast.set(gateway, { key, figures });
        setKnown({ key, figures, refusal: null });
      },
      refused: (refusal) => setKnown(({ figures }) => ({ key, figures, refusal })),
    });
  }, [gateway, key, attempt]);

  return {
    figures: known.figures,
    refusal: known.key === key ? known.refusal : null,
    isLoading: asked !== null && known.key !== key,
    again: () => setAttempt((count) => count + 1),
  };
}

interface Told {
  figures(figures: Figures): void;
  refused(refusal: Refusal): void;
}

/** Ask now, and again when it is time to, until what is returned is called. */
function keepAsking(gateway: Gateway, asked: Asked, told: Told): () => void {
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
      const figures = await figuresOf(gateway, asked, ended.signal);
      told.figures(figures);
      if (!document.hidden) unfollow ??= follow(figures);
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

  function follow({ filter, eventCursor }: Figures): () => void {
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
