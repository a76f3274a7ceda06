import type { CSSProperties } from "react";

import { colourOf, Skeleton } from "../design";
import { Instant, useFormats, useNow } from "../time";
import styles from "./execution.module.css";
import timeStyles from "./times.module.css";
import type { Known } from "./opened";
import { within } from "./steps";

/** How much of the line is left to the execution if it was changed after its end. */
const SHARE_BEFORE_LATER = 0.8;

/** When an execution was created, changed and finished: on a line, and in words. */
export function Times({ execution }: { execution: Known | null }) {
  return (
    <section className={styles.section} aria-label="Times">
      {execution ? <Line execution={execution} /> : <Skeleton height="2.625rem" />}
      <dl className={timeStyles.times}>
        <Time name="Created" at={execution?.createdOn} />
        <Time
          name="Finished"
          at={execution?.finishedOn}
          without={execution?.state === "INPROGRESS" ? "Not yet" : "Unknown"}
        />
        <Time name="Updated" at={execution?.updatedOn} />
      </dl>
    </section>
  );
}

function Time({ name, at, without }: { name: string; at?: string | null; without?: string }) {
  const { ago } = useFormats();
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {at === undefined && <Skeleton width="7rem" />}
        {at === null && <span className={styles.quiet}>{without}</span>}
        {at && (
          <>
            <Instant at={at} />
            <small className={timeStyles.ago}>{ago(at)}</small>
          </>
        )}
      </dd>
    </div>
  );
}

function Line({ execution }: { execution: Known }) {
  const { state, createdOn, updatedOn, finishedOn, durationMs } = execution;
  const isRunning = state === "INPROGRESS";
  const now = useNow(isRunning);
  const { duration } = useFormats();

  const from = Date.parse(createdOn);
  const end = finishedOn ? Date.parse(finishedOn) : isRunning ? now : Date.parse(updatedOn);
  const updated = Date.parse(updatedOn);
  const whole = { from, until: Math.max(from + 1, end) };
  const change = within({ from: updated, until: updated }, whole).start;
  // A change after its end may be years away, and is beyond the scale.
  const isBeyond = updated > end + (end - from) / 50;
  const style = {
    color: colourOf(state),
    "--length": isBeyond ? SHARE_BEFORE_LATER : 1,
    "--change": change,
  } as CSSProperties;

  return (
    <div style={style}>
      <p className={timeStyles.length}>
        <span className="visually-hidden">Duration: </span>
        {durationMs === null ? (
          isRunning ? (
            <>for {duration(Math.max(0, now - from))}</>
          ) : (
            "of unknown length"
          )
        ) : (
          duration(durationMs)
        )}
      </p>
      <div className={timeStyles.track} aria-hidden="true">
        <span className={`${timeStyles.run} ${isRunning ? timeStyles.running : ""}`} />
        <span className={timeStyles.began} />
        {change > 0.04 && change < 0.96 && <span className={timeStyles.changed} />}
        {isBeyond && <span className={timeStyles.later} />}
        {!isRunning && <span className={timeStyles.ended} />}
      </div>
    </div>
  );
}
