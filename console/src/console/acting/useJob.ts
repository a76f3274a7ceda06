import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { type Refusal, Refused, useGateway } from "../gateway";
import type { Action } from "./action";
import { actsOf } from "./acts";
import { doneIn, type Outcome, together } from "./outcome";
import { type Plan, planOf, type Work } from "./plan";
import type { Target } from "./target";
import { carryOut } from "./work";

/** Something to do: what somebody asks for, which is confirmed first, or undoing it. */
export type Job =
  { kind: "act"; action: Action; target: Target } | { kind: "undo"; action: Action; work: Work };

/** How far a job is. */
export type Stage =
  | { at: "planning"; found: number }
  | { at: "refused"; refusal: Refusal }
  | { at: "confirming"; plan: Plan }
  | { at: "running"; done: number; count: number; isEnding: boolean }
  | { at: "done"; outcome: Outcome };

/** What can be done with a job while it is at some stage. */
export interface Running {
  stage: Stage;
  /** Plan once more, after it was refused. */
  again(): void;
  /** Do some work: what was planned, or what an outcome left of it. */
  start(work: Work, before?: Outcome): void;
  /** End after the batch that runs. */
  end(): void;
}

/** Plan a job, and do it once it is confirmed. */
export function useJob(job: Job): Running {
  const gateway = useGateway();
  const acts = useMemo(() => actsOf(gateway), [gateway]);
  const [stage, setStage] = useState<Stage>(PLANNING);
  const [attempt, setAttempt] = useState(0);
  const isEnded = useRef(false);

  const start = useCallback(
    (work: Work, before?: Outcome) => {
      isEnded.current = false;
      const base = before ? doneIn(before) : 0;
      setStage({ at: "running", done: base, count: base + work.count, isEnding: false });
      void carryOut(work, acts, {
        onProgress: (done) =>
          setStage((now) => (now.at === "running" ? { ...now, done: base + done } : now)),
        isEnded: () => isEnded.current,
      }).then((after) =>
        setStage({ at: "done", outcome: before ? together(before, after) : after }),
      );
    },
    [acts],
  );

  useEffect(() => {
    if (job.kind === "undo") return start(job.work);
    const abort = new AbortController();
    setStage(PLANNING);
    planOf(job.action, job.target, acts, {
      signal: abort.signal,
      onFound: (found) => setStage({ at: "planning", found }),
    }).then(
      (plan) => !abort.signal.aborted && setStage({ at: "confirming", plan }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        if (!(error instanceof Refused)) throw error;
        setStage({ at: "refused", refusal: error.refusal });
      },
    );
    return () => abort.abort();
  }, [job, acts, attempt, start]);

  return {
    stage,
    start,
    again: () => setAttempt((before) => before + 1),
    end() {
      isEnded.current = true;
      setStage((before) => (before.at === "running" ? { ...before, isEnding: true } : before));
    },
  };
}

const PLANNING: Stage = { at: "planning", found: 0 };
