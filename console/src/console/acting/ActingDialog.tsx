import { useEffect, useEffectEvent, useId } from "react";

import { ErrorNotice } from "../notices";
import { Button, Dialog, Progress, Skeleton } from "../design";
import { useFormats } from "../time";
import { type Action, ACTIONS } from "./action";
import styles from "./acting.module.css";
import { Confirmation, ConfirmationActions } from "./Confirmation";
import type { Outcome } from "./outcome";
import type { Work } from "./plan";
import { Report, ReportActions } from "./Report";
import { type Job, type Stage, useJob } from "./useJob";

/** From how many on it is said how many are found: they take a while. */
const SHOWN_FROM = 2_000;

interface Props {
  job: Job;
  onUndo(action: Action, work: Work): void;
  /** Nothing was done. */
  onClose(): void;
  /** Something was done; `isSaid` if the reader has read what came of it. */
  onDone(outcome: Outcome, isSaid: boolean): void;
}

/** Asks for a confirmation that says what will happen, shows how far it is, and what came of it. */
export default function ActingDialog({ job, onUndo, onClose, onDone }: Props) {
  const { stage, start, again, end } = useJob(job);
  const formats = useFormats();
  const form = useId();
  const title = titleOf(job, stage, formats.executions);

  const doneWith = useEffectEvent(onDone);
  const isClean = stage.at === "done" && isAllDone(stage.outcome);
  useEffect(() => {
    if (stage.at === "done" && isClean) doneWith(stage.outcome, false);
  }, [stage, isClean]);
  if (isClean) return null;

  const isUndo = job.kind === "undo";
  const close = stage.at === "done" ? () => onDone(stage.outcome, true) : onClose;
  return (
    <Dialog
      title={title}
      onClose={close}
      isHeld={stage.at === "running"}
      actions={
        <Actions
          stage={stage}
          job={job}
          form={form}
          onClose={close}
          onEnd={end}
          onRest={(work) => start(work, stage.at === "done" ? stage.outcome : undefined)}
          onUndo={isUndo ? undefined : (work) => onUndo(job.action, work)}
        />
      }
    >
      <div role="status" className="visually-hidden">
        {stage.at === "running" && `${title}: ${quarterOf(stage.done, stage.count)}`}
        {(stage.at === "confirming" || stage.at === "done") && title}
      </div>
      {stage.at === "planning" && (
        <div className={styles.words} aria-busy="true">
          {stage.found > SHOWN_FROM ? (
            <Progress
              label={`Finding out what this comes to: ${formats.number(stage.found)}`}
              done={undefined}
            />
          ) : (
            <Skeleton height="1.25rem" width="60%" />
          )}
          <Skeleton height="2.5rem" />
        </div>
      )}
      {stage.at === "refused" && <ErrorNotice refusal={stage.refusal} onAgain={again} />}
      {stage.at === "confirming" && (
        <Confirmation
          action={job.action}
          plan={stage.plan}
          form={form}
          onConfirm={() => start(stage.plan.work)}
        />
      )}
      {stage.at === "running" && (
        <Progress
          label={`${formats.number(stage.done)} of ${formats.number(stage.count)}`}
          done={stage.count > 0 ? stage.done / stage.count : undefined}
        />
      )}
      {stage.at === "done" && (
        <Report action={job.action} isUndo={isUndo} outcome={stage.outcome} onClose={close} />
      )}
    </Dialog>
  );
}

interface ActionsProps {
  stage: Stage;
  job: Job;
  form: string;
  onClose(): void;
  onEnd(): void;
  onRest(work: Work): void;
  onUndo: ((work: Work) => void) | undefined;
}

/** The buttons of each stage; the one that has the focus at first can be pressed at once. */
function Actions({ stage, job, form, onClose, onEnd, onRest, onUndo }: ActionsProps) {
  if (stage.at === "confirming") {
    const { plan } = stage;
    return <ConfirmationActions action={job.action} plan={plan} form={form} onClose={onClose} />;
  }
  if (stage.at === "running") {
    return (
      <Button
        autoFocus
        onClick={onEnd}
        {...(stage.isEnding && { off: "The last batch is running" })}
      >
        {stage.isEnding ? "Ending …" : "Stop here"}
      </Button>
    );
  }
  if (stage.at === "done") {
    const { outcome } = stage;
    return <ReportActions outcome={outcome} onClose={onClose} onRest={onRest} onUndo={onUndo} />;
  }
  return (
    <>
      <Button onClick={onClose}>Cancel</Button>
      {stage.at === "planning" && (
        <Button kind="main" off="Counting what this comes to">
          {ACTIONS[job.action].verb}
        </Button>
      )}
    </>
  );
}

function isAllDone({ conflicts, missing, slipped, rest, refusal }: Outcome): boolean {
  return conflicts.length + missing + slipped === 0 && rest === null && refusal === null;
}

/** How far it is, in steps that are few enough to be listened to. */
function quarterOf(done: number, count: number): string {
  return `${Math.floor((done / Math.max(1, count)) * 4) * 25} %`;
}

function titleOf(job: Job, stage: Stage, words: (count: number) => string): string {
  const { verb, doing, done } = ACTIONS[job.action];
  if (stage.at === "running") {
    return job.kind === "undo" ? `Undoing ${words(stage.count)}` : `${doing} ${words(stage.count)}`;
  }
  if (stage.at === "done") {
    const { changed } = stage.outcome;
    return job.kind === "undo"
      ? `${words(changed)} in progress again`
      : `${words(changed)} ${done}`;
  }
  if (job.kind === "undo") return "Undo";
  if (stage.at !== "confirming") return `${verb} ${words(job.target.count)}?`;
  const { count } = stage.plan.work;
  return count === 0 ? `Nothing to ${verb.toLowerCase()}` : `${verb} ${words(count)}?`;
}
