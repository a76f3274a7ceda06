import { useCallback, useEffect, useState } from "react";

import { Refused, useGateway } from "../gateway";
import { useList } from "../list/useList";
import { CHANGES, found, knownOf, OPENED, type State, unknown } from "./opened";

/** While keys lead through the list, what is only passed by is not asked for. */
const PASSED_BY_MS = 120;

/** The execution that is open, as far as it is known. */
export interface Opened extends Omit<State, "guid"> {
  /** Load it anew. */
  again(): void;
}

/** Load an execution, and follow what becomes of it. */
export function useExecution(guid: string): Opened {
  const gateway = useGateway();
  const row = useList().rowOf(guid);
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<State>(() => unknown(guid));
  const again = useCallback(() => setAttempt((before) => before + 1), []);
  const isListed = row !== null;

  useEffect(() => {
    const abort = new AbortController();
    let unfollow: (() => void) | undefined;

    async function load() {
      const answer = await gateway.query(OPENED, { guid }, { signal: abort.signal });
      setState((before) => found(before, guid, answer));
      unfollow = gateway.live.follow(
        CHANGES,
        { guid, after: answer.eventCursor },
        {
          next({ executionEvents: { cursor, type, execution: changed } }) {
            setState((before) => ({
              ...before,
              execution: changed ?? before.execution,
              standing: type === "DELETED" ? "deleted" : "there",
              changes: before.changes + 1,
            }));
            return cursor;
          },
          expired: again,
          refused: () => undefined,
        },
      );
    }

    function failed(error: unknown) {
      if (abort.signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      setState((before) => ({
        ...(before.guid === guid ? before : unknown(guid)),
        refusal: error.refusal,
      }));
    }

    const timer = setTimeout(() => void load().catch(failed), isListed ? PASSED_BY_MS : 0);
    return () => {
      clearTimeout(timer);
      abort.abort();
      unfollow?.();
    };
    // What the list knows of it changes with the list, and is no reason to load it again.
  }, [gateway, guid, attempt]);

  const known = state.guid === guid ? state : unknown(guid);
  return { ...known, execution: known.execution ?? (row && knownOf(row)), again };
}
