import { Suspense, useEffect, useId } from "react";

import { go } from "../address";
import { Button, STATES, StateMark, wordOf } from "../design";
import { part } from "../parts";
import { type Formats, MINUTE_MS, printRange, useFormats, useZone } from "../time";
import type { Figures } from "./figures";
import { totalOf } from "./comparison";
import type { Counts } from "./folding";
import { wordsFor } from "./labels";
import { NothingInRange } from "./NothingInRange";
import styles from "./timeline.module.css";
import { TimelineTable } from "./TimelineTable";
import { type Brushed, useBrush } from "./useBrush";

const Chart = part(() => import("./Chart"));

interface Props {
  /** Null until they are known. */
  figures: Figures | null;
}

/** How many executions were created when, stacked by state. Choosing bars chooses their range. */
export function Timeline({ figures }: Props) {
  const id = useId();
  const zone = useZone();
  const bars = figures?.bars;

  // It comes while the gateway counts.
  useEffect(() => Chart.preload(), []);

  return (
    <section aria-labelledby={id} className={styles.timeline}>
      <h2 id={id} className={styles.title}>
        Created {bars ? wordsFor(bars, zone) : ""}
      </h2>
      {figures && figures.total === 0 ? (
        <NothingInRange />
      ) : (
        <div className={styles.chart}>
          {figures ? (
            <Suspense fallback={<Waiting />}>
              <Chart bars={figures.bars} inBars={figures.inBars} />
              <Brushing figures={figures} />
            </Suspense>
          ) : (
            <Waiting />
          )}
        </div>
      )}
      {figures && <TimelineTable figures={figures} />}
    </section>
  );
}

/** The ground that bars will stand on. */
function Waiting() {
  return <div className={styles.waiting} aria-busy="true" />;
}

function Brushing({ figures: { bars, inBars } }: { figures: Figures }) {
  const formats = useFormats();
  const count = inBars.length;
  const brush = useBrush(count, choose);
  const { brushed, isChoosing, hasFocus } = brush;

  function choose({ first, last }: Brushed) {
    const from = bars.bounds[first];
    const until = bars.bounds[last + 1];
    if (from === undefined || until === undefined) return;
    // A range that begins so long ago begins within a minute.
    const whole = Math.floor(from / MINUTE_MS) * MINUTE_MS;
    go({ range: printRange({ kind: "between", from: whole, until }) });
  }

  const counts = brushed ? sumOf(inBars.slice(brushed.first, brushed.last + 1)) : null;
  const span = brushed ? spanIn(bars.bounds, brushed, formats) : "";
  return (
    <>
      <div
        role="slider"
        tabIndex={0}
        className={styles.brush}
        aria-label="Timeline. Arrow keys move, with Shift they choose several bars, Enter shows their range"
        aria-valuemin={1}
        aria-valuemax={count}
        aria-valuenow={(brushed?.last ?? count - 1) + 1}
        aria-valuetext={counts ? `${span}: ${inWords(counts, formats)}` : undefined}
        {...brush.handlers}
      >
        {brushed && counts && (
          <>
            <div
              className={`${styles.band} ${isChoosing ? styles.chosen : ""}`}
              style={{
                left: `${(brushed.first / count) * 100}%`,
                width: `${((brushed.last - brushed.first + 1) / count) * 100}%`,
              }}
            />
            <div className={styles.tip} style={besideBars(brushed, count)}>
              <p className={styles.span}>{span}</p>
              <Tally counts={counts} formats={formats} />
              {hasFocus && <p className={styles.hint}>Enter shows this range</p>}
            </div>
          </>
        )}
      </div>
      {brushed && isChoosing && (
        <p className={styles.touch}>
          {/* The focus stays where it is, since what is chosen goes with it. */}
          <Button
            kind="main"
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => {
              brush.clear();
              choose(brushed);
            }}
          >
            Show this range
          </Button>
        </p>
      )}
    </>
  );
}

function Tally({ counts, formats }: { counts: Counts; formats: Formats }) {
  return (
    <ul className={styles.tally}>
      {STATES.map((state, index) => {
        const count = counts[index] ?? 0;
        if (count === 0) return null;
        return (
          <li key={state}>
            <StateMark state={state} />
            <span>{formats.number(count)}</span>
          </li>
        );
      })}
      <li className={styles.sum}>
        <span>All</span>
        <span>{formats.number(totalOf(counts))}</span>
      </li>
    </ul>
  );
}

/** Beside the bars, on the side where there is more room. */
function besideBars({ first, last }: Brushed, count: number) {
  const isLeft = first + last < count - 1;
  return isLeft
    ? { left: `calc(${((last + 1) / count) * 100}% + 0.5rem)` }
    : { right: `calc(${(1 - first / count) * 100}% + 0.5rem)` };
}

/** The sums of the counts of bars. */
function sumOf(counts: readonly Counts[]): Counts {
  return STATES.map((_, index) => counts.reduce((sum, each) => sum + (each[index] ?? 0), 0));
}

/** From when to when bars are, in words. */
function spanIn(bounds: readonly number[], { first, last }: Brushed, formats: Formats): string {
  return formats.between(bounds[first] ?? 0, bounds[last + 1] ?? 0);
}

function inWords(counts: Counts, formats: Formats): string {
  const parts = STATES.flatMap((state, index) => {
    const count = counts[index] ?? 0;
    return count > 0 ? `${formats.number(count)} ${wordOf(state).toLowerCase()}` : [];
  });
  return [formats.executions(totalOf(counts)), ...parts].join(", ");
}
