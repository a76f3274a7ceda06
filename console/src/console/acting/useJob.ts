import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { type Refusal, Refused, useGateway } from "../gateway";
import type { Action } from "./action";
import { actsOf } from "./acts";
import { type Plan, planOf, type Work } from "./plan";
import type { Target } from "./target";
import { carryOut, type Outcome } from "./work";

/** Something to do: what somebody asks for, which is confirmed first, or undoing it. */
export type Job =
  { kind: "act"; action: Action; target: Target } | { kind: "undo"; action: Action; work: Work };

/** How far a job is. */
export type Stage =
  | { at: "planning" }
  | { at: "refused"; refusal: Refusal }
  | { at: "confirming"; plan: Plan }
  | { at: "running"; done: number; count: number; isEnding: boolean }
  | { at: "done"; outcome: Outcome };

/** What can be done with a job while it is at some stage. */
export interface Running {
  stage: Stage;
  /** Plan once more, after it was refused. */
  again(): void;
  /** Do some work: what was planned, or what is left of it. */
  start(work: Work): void;
  /** End after the batch that runs. */
  end(): void;
}

/** Plan a job, and do it once it is confirmed. */
export function useJob(job: Job): Running {
  const gateway = useGateway();
  const acts = useMemo(() => actsOf(gateway), [gateway]);
  const [stage, setStage] = useState<Stage>({ at: "planning" });
  const [attempt, setAttempt] = useState(0);
  const isEnded = useRef(false);

  const start = useCallback(
    (work: Work) => {
      isEnded.current = false;
      setStage({ at: "running", done: 0, count: work.count, isEnding: false });
      void carryOut(work, acts, {
        onProgress: (done) =>
          setStage((before) => (before.at === "running" ? { ...before, done } : before)),
        isEnded: () => isEnded.current,
      }).then((outcome) => setStage({ at: "done", outcome }));
    },
    [acts],
  );

  useEffect(() => {
    if (job.kind === "undo") return start(job.work);
    let isCurrent = true;
    setStage({ at: "planning" });
    planOf(job.action, job.target, acts).then(
      (plan) => isCurrent && setStage({ at: "confirming", plan }),
      (error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        if (isCurrent) setStage({ at: "refused", refusal: error.refusal });
      },
    );
    return () => {
      isCurrent = false;
    };
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
