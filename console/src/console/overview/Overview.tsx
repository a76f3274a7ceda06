import { useMemo } from "react";

import { go, useAddress } from "../address";
import { EmptyDatabase, ErrorNotice, Notice } from "../notices";
import { Announcement, Button, IconButton, ViewHeader } from "../design";
import { parseFilter } from "../filter/language";
import {
  type Formats,
  parseRange,
  periodBefore,
  type Range,
  RangePicker,
  useFormats,
  useZone,
  wordsOf,
} from "../time";
import type { Figures } from "./figures";
import { FAILED, numberIn } from "./comparison";
import { KeyFigures } from "./KeyFigures";
import { MostFailures } from "./MostFailures";
import styles from "./overview.module.css";
import { RunningLongest } from "./RunningLongest";
import { StateCounts } from "./StateCounts";
import { Timeline } from "./Timeline";
import { useFigures } from "./useFigures";

/** What is shown of the address's range if it has none. */
const USUAL_RANGE = "24h";

/** What runs, what failed and how much of it, over a range of time. */
export function Overview() {
  const { filter, range: given } = useAddress();
  const zone = useZone();
  const formats = useFormats();
  const range = given || USUAL_RANGE;
  const about = { filter, range, zone };
  const problem = useMemo(() => problemOf(filter, range, zone), [filter, range, zone]);
  const parsed = problem === null ? parseRange(range, zone) : null;
  const { figures, refusal, isLoading, again } = useFigures(
    parsed && { filter, range: parsed, zone },
  );
  // Known before the figures are, so that nothing moves when they come.
  const before = parsed && periodBefore(parsed, figures?.at ?? Date.now());
  const isThere = figures !== null && !isLoading && refusal === null;

  return (
    <>
      <ViewHeader
        title="Overview"
        aside={before && <>Compared with {formats.between(before.from, before.until)}</>}
      >
        <RangePicker range={range} onChange={(chosen) => go({ range: chosen })} />
      </ViewHeader>
      <Announcement
        text={parsed && isThere ? inWords(parsed, figures, formats) : ""}
        about={JSON.stringify(about)}
      />
      {filter !== "" && (
        <p className={styles.filter}>
          Only executions with <code>{filter}</code>
          <IconButton
            icon="close"
            label="Leave out the filter"
            onClick={() => go({ filter: "" })}
          />
        </p>
      )}
      {problem !== null ? (
        <Notice
          isAlert
          icon="warning"
          title="This can’t be shown."
          actions={
            <Button onClick={() => go({ filter: "", range: "" })}>Show the last 24 hours</Button>
          }
        >
          {problem}
        </Notice>
      ) : refusal && !figures ? (
        <ErrorNotice refusal={refusal} onAgain={again} />
      ) : figures?.isEmpty ? (
        <EmptyDatabase />
      ) : (
        <div className={isLoading && figures ? styles.outdated : ""} aria-busy={isLoading}>
          <div role="status">
            {refusal && (
              <p className={styles.problem}>
                {refusal.title} What you see is from {figures && formats.time(figures.at)}.
                <Button onClick={again}>Try again</Button>
              </p>
            )}
          </div>
          <KeyFigures figures={figures} about={about} />
          <StateCounts figures={figures} about={about} />
          <Timeline figures={figures} />
          <div className={styles.lists}>
            <MostFailures figures={figures} about={about} />
            <RunningLongest figures={figures} about={about} />
          </div>
        </div>
      )}
    </>
  );
}

/** What is shown, for whoever does not see that it has changed. */
function inWords(range: Range, { total, counts }: Figures, formats: Formats): string {
  const failures = numberIn(counts, ...FAILED);
  const failed = `${formats.number(failures)} ${failures === 1 ? "failure" : "failures"}`;
  return `${wordsOf(range, formats)}: ${formats.executions(total)}, ${failed}`;
}

/** What is wrong with the address, in words; null if nothing is. */
function problemOf(filter: string, range: string, zone: string): string | null {
  if (parseRange(range, zone) === null) return `“${range}” is no range of time.`;
  const [problem] = parseFilter(filter, { now: new Date(), zone }).problems;
  return problem ? `The filter can’t be understood. ${problem.words}` : null;
}
