import { lazy, Suspense, useMemo, useState } from "react";

import { ErrorNotice } from "../notices";
import { Button, Skeleton } from "../design";
import { graphql } from "../generated/gql";
import { useFormats } from "../time";
import styles from "./execution.module.css";
import stepStyles from "./steps.module.css";
import type { Known } from "./opened";
import { Section } from "./Section";
import { placed, spanOfAll } from "./steps";
import { StepRow } from "./StepRow";
import { useContents } from "./useContents";
import { useLoaded } from "./useLoaded";

const STEPS = graphql(`
  query ExecutionSteps($guid: ID!) {
    execution(guid: $guid) {
      dataProblem
      steps {
        nodeId
        label
        name
        status
        startedOn
        finishedOn
        durationMs
        error
        parent
        iteration
        totalTokens
        cost
      }
    }
  }
`);

/** How many steps are shown at first, and how many more at a time. */
const SHOWN_AT_ONCE = 100;

const RawData = lazy(() => import("./RawData"));

interface Props {
  execution: Known;
  changes: number;
  /** Whether they are asked for yet; there is room for them. */
  isWanted: boolean;
}

/** What the nodes did, each on the line of time, and what the engine left of the execution. */
export function Steps({ execution, changes, isWanted }: Props) {
  const { guid } = execution;
  // An engine writes its data with the change that it belongs to.
  const { data, refusal, again } = useLoaded(STEPS, guid, { changes, isWanted });
  const contents = useContents(guid, changes);
  const [shown, show] = useState(SHOWN_AT_ONCE);
  const [isRaw, setRaw] = useState(false);
  const { number } = useFormats();
  const steps = useMemo(() => placed(data?.execution?.steps ?? []), [data]);

  if (!data) {
    if (refusal) return <ErrorNotice refusal={refusal} onAgain={again} />;
    return (
      <Section title="Steps" isBusy>
        <div className={stepStyles.steps}>
          {[1, 2, 3].map((each) => (
            <div key={each} className={stepStyles.waiting}>
              <Skeleton />
            </div>
          ))}
        </div>
      </Section>
    );
  }
  const problem = data.execution?.dataProblem;
  const whole = spanOfAll(execution, steps, Date.parse(execution.updatedOn));
  return (
    <Section title="Steps" count={steps.length || undefined}>
      {problem && (
        <p className={styles.problem}>The engine’s data is not as expected. {problem}.</p>
      )}
      {steps.length === 0 && !problem && (
        <p className={styles.quiet}>
          {execution.state === "INPROGRESS"
            ? "The engine has left no steps yet."
            : "The engine left no steps of it."}
        </p>
      )}
      <ol className={stepStyles.steps}>
        {steps.slice(0, shown).map((each) => (
          <StepRow key={each.index} placed={each} whole={whole} contents={contents} />
        ))}
      </ol>
      {steps.length > shown && (
        <Button onClick={() => show(shown + SHOWN_AT_ONCE)}>
          Show more of the {number(steps.length)} steps
        </Button>
      )}
      {(steps.length > 0 || problem) && (
        <div className={stepStyles.raw}>
          <Button
            kind="quiet"
            aria-expanded={isRaw}
            onClick={() => setRaw(!isRaw)}
            icon={isRaw ? "down" : "forward"}
          >
            Data as the engine wrote it
          </Button>
          {isRaw && (
            <Suspense fallback={<Skeleton height="6rem" />}>
              <RawData guid={guid} />
            </Suspense>
          )}
        </div>
      )}
    </Section>
  );
}
