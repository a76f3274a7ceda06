import type { ReactNode } from "react";

import { type Change, Link } from "../address";
import { Explained, Icon, Skeleton } from "../design";
import { type Formats, printRange, useFormats } from "../time";
import type { Figures } from "./figures";
import {
  changeOf,
  type Direction,
  FAILED,
  numberIn,
  pointsOf,
  successRate,
  totalOf,
} from "./comparison";
import { type About, toAll, toRunning, toStates } from "./links";
import styles from "./overview.module.css";

const ARROWS = { up: "ascending", down: "descending", same: null } as const;

/** A change that is written as 0 %. */
const HARDLY = 0.0005;

interface Props {
  /** Null until they are known. */
  figures: Figures | null;
  about: About;
}

/** How much went well, now and in the equally long period before. */
export function KeyFigures({ figures, about }: Props) {
  const formats = useFormats();
  const rate = figures && successRate(figures.counts);
  const failures = figures && numberIn(figures.counts, ...FAILED);
  const before = figures?.before ?? null;
  const rateBefore = before && successRate(before.counts);
  const aboutBefore = before
    ? { ...about, range: printRange({ kind: "between", ...before.span }) }
    : about;
  return (
    <dl className={styles.key}>
      <KeyFigure
        name="Success rate"
        hint="Of the executions that finished or failed: those that finished"
        value={figures && (rate === null ? "–" : formats.percent(rate))}
      >
        {rate !== null && rateBefore !== null && (
          <Points now={rate} before={rateBefore} formats={formats} />
        )}
      </KeyFigure>
      <KeyFigure
        name="Failures"
        hint="In error, terminated, or in timeout"
        value={failures === null ? null : formats.number(failures)}
        to={toStates(about, FAILED)}
      >
        {failures !== null && before && (
          <Share
            now={failures}
            before={numberIn(before.counts, ...FAILED)}
            formats={formats}
            better="down"
            to={toStates(aboutBefore, FAILED)}
          />
        )}
      </KeyFigure>
      <KeyFigure
        name="Executions"
        value={figures && formats.number(figures.total)}
        to={toAll(about)}
      >
        {figures && before && (
          <Share
            now={figures.total}
            before={totalOf(before.counts)}
            formats={formats}
            to={toAll(aboutBefore)}
          />
        )}
      </KeyFigure>
      <KeyFigure
        name="Running now"
        value={figures && formats.number(figures.running.totalCount)}
        to={toRunning(about)}
      >
        {figures && "whenever they began"}
      </KeyFigure>
    </dl>
  );
}

interface FigureProps {
  name: string;
  /** What it is, where the name does not say all. */
  hint?: string;
  /** Null until it is known. */
  value: string | null;
  to?: Change;
  /** What it was before. */
  children: ReactNode;
}

function KeyFigure({ name, hint, value, to, children }: FigureProps) {
  return (
    <div className={styles.keyFigure}>
      <dt>
        <Explained text={hint}>{name}</Explained>
      </dt>
      <dd className={styles.value}>
        {value === null ? <Skeleton width="4.5rem" /> : to ? <Link to={to}>{value}</Link> : value}
      </dd>
      <dd className={styles.change}>{value === null ? <Skeleton width="7rem" /> : children}</dd>
    </div>
  );
}

interface ComparisonProps {
  now: number;
  before: number;
  formats: Formats;
}

function Points({ now, before, formats }: ComparisonProps) {
  const { direction, points } = pointsOf(now, before);
  const from = formats.percent(before);
  if (direction === "same") return <>as before</>;
  return (
    <Changed direction={direction} better="up" from={from}>
      {formats.number(points)} {points === 1 ? "point" : "points"}
    </Changed>
  );
}

interface ShareProps extends ComparisonProps {
  /** The way that is good, if one is. */
  better?: Direction;
  /** Where the list of what there was before is. */
  to: Change;
}

/** By what share a number changed. */
function Share({ now, before, formats, better, to }: ShareProps) {
  const { direction, share } = changeOf(now, before);
  if (direction === "same") return <>as before</>;
  if (share !== null && Math.abs(share) < HARDLY) return <>nearly as before</>;
  return (
    <Changed
      direction={direction}
      {...(better && { better })}
      from={before === 0 ? "none" : <Link to={to}>{formats.number(before)}</Link>}
    >
      {share === null ? formats.number(now) : formats.percent(Math.abs(share))}
    </Changed>
  );
}

interface ChangedProps {
  direction: Direction;
  better?: Direction;
  from: ReactNode;
  children: ReactNode;
}

function Changed({ direction, better, from, children }: ChangedProps) {
  const arrow = ARROWS[direction];
  const kind = better === undefined ? "" : direction === better ? styles.better : styles.worse;
  return (
    <>
      <span className={`${styles.arrow} ${kind}`}>
        {arrow && <Icon name={arrow} />}
        <span className="visually-hidden">{direction} by </span>
        {children}
      </span>
      <span>from {from}</span>
    </>
  );
}
