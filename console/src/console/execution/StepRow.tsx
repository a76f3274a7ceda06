import { type CSSProperties, lazy, Suspense, useId, useState } from "react";

import { colourOf, Icon, Skeleton, STATES, StateMark } from "../design";
import type { ExecutionState } from "../generated/graphql";
import { type Span, useFormats } from "../time";
import styles from "./execution.module.css";
import { LongText } from "./LongText";
import stepStyles from "./steps.module.css";
import { type Placed, within } from "./steps";
import { inALine } from "./texts";
import type { Contents } from "./useContents";

const JsonView = lazy(() => import("./JsonView"));

interface Props {
  placed: Placed;
  /** From the first instant of the execution to its last one. */
  whole: Span;
  contents: Contents;
}

/** A step on the line of time. It opens to what it was given, and what it made of it. */
export function StepRow({ placed: { step, index, depth, span }, whole, contents }: Props) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const { duration } = useFormats();
  const state = STATES.find((each) => each === step.status);
  const took = step.durationMs ?? (span && span.until - span.from);
  const bar = span && within(span, whole);
  const style = {
    "--depth": depth,
    ...(state && { color: colourOf(state) }),
    ...(bar && { "--start": bar.start, "--length": bar.length }),
  } as CSSProperties;

  return (
    <li>
      <button
        type="button"
        className={stepStyles.step}
        style={style}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => {
          contents.load();
          setOpen(!isOpen);
        }}
      >
        <span className={stepStyles.chevron}>
          <Icon name={isOpen ? "down" : "forward"} />
        </span>
        <span className={stepStyles.what}>
          <StatusMark state={state} status={step.status} />
          <span className={stepStyles.label}>{inALine(step.label || step.nodeId) || "Step"}</span>
          {step.iteration !== null && (
            <span className={styles.count}>
              <span className="visually-hidden">iteration </span>
              {step.iteration + 1}
            </span>
          )}
        </span>
        <span className={stepStyles.lane} aria-hidden="true">
          {bar && <span className={stepStyles.bar} />}
        </span>
        <span className={styles.took}>{took === null ? "–" : duration(took)}</span>
      </button>
      <div id={id} hidden={!isOpen} className={stepStyles.inside}>
        {isOpen && <Inside step={step} index={index} contents={contents} />}
      </div>
    </li>
  );
}

function StatusMark({
  state,
  status,
}: {
  state: ExecutionState | undefined;
  status: string | null;
}) {
  if (state) return <StateMark state={state} isWordHidden />;
  return (
    <span className={stepStyles.unknown}>
      {status === null ? <span className="visually-hidden">unknown</span> : inALine(status)}
    </span>
  );
}

function Inside({
  step,
  index,
  contents,
}: Pick<Placed, "step" | "index"> & { contents: Contents }) {
  const { number, dollars } = useFormats();
  const content = contents.of(index, step.nodeId);
  const facts = [
    step.name && inALine(step.name),
    step.totalTokens !== null && `${number(step.totalTokens)} tokens`,
    step.cost !== null && dollars(step.cost),
  ].filter((fact) => fact);
  return (
    <>
      {facts.length > 0 && <p className={styles.quiet}>{facts.join(" · ")}</p>}
      {step.error && (
        <p className={styles.error} dir="auto" tabIndex={0}>
          <LongText text={step.error} />
        </p>
      )}
      {contents.refusal && (
        <p className={styles.problem}>
          {contents.refusal.title} {contents.refusal.detail}
        </p>
      )}
      {contents.problem && (
        <p className={styles.problem}>Input and output can’t be shown. {contents.problem}.</p>
      )}
      {!content && !contents.refusal && !contents.problem && (
        <div aria-busy="true">
          <Skeleton height="3rem" />
        </div>
      )}
      {content && (
        <Suspense fallback={<Skeleton height="3rem" />}>
          <JsonView name="Input" value={content.input} />
          <JsonView name="Output" value={content.output} />
        </Suspense>
      )}
    </>
  );
}
