import { useId } from "react";

import { Link } from "../address";
import { SECOND_MS, useFormats, useNow } from "../time";
import type { Figures } from "./figures";
import { type About, toRunning } from "./links";
import { WaitingRow } from "./MostFailures";
import styles from "./overview.module.css";
import { useSteady } from "./useSteady";

const PLACES = [0, 1, 2, 3, 4, 5];

interface Props {
  /** Null until they are known. */
  figures: Figures | null;
  about: About;
}

const guidOf = ({ guid }: Figures["running"]["nodes"][number]) => guid;

/** The executions that have been in progress for longest, whenever they began. */
export function RunningLongest({ figures, about }: Props) {
  const id = useId();
  const running = figures?.running;
  const shown = running?.nodes.length ?? 0;
  const formats = useFormats();
  const { items, handlers } = useSteady(running?.nodes ?? [], guidOf);
  return (
    <section aria-labelledby={id} className={styles.part}>
      <h2 id={id} className={styles.heading}>
        Running longest
        {running && running.totalCount > shown && (
          <Link to={toRunning(about)} className={styles.more}>
            All {formats.number(running.totalCount)}
          </Link>
        )}
      </h2>
      <ol className={styles.rows} {...handlers}>
        {!running && PLACES.map((place) => <WaitingRow key={place} />)}
        {items.map(({ guid, agentflowId, agentflowName, createdOn }) => (
          <li key={guid}>
            <Link to={{ execution: guid }} className={styles.row}>
              <span className={styles.name} dir="auto">
                {agentflowName ?? agentflowId}
              </span>
              <span className={styles.aside}>
                <span className="visually-hidden">since </span>
                <time dateTime={createdOn} title={formats.exactly(createdOn)}>
                  {formats.minute(createdOn)}
                </time>
              </span>
              <Age since={createdOn} />
            </Link>
          </li>
        ))}
      </ol>
      {shown === 0 && running && <p className={styles.none}>Nothing is running.</p>}
    </section>
  );
}

function Age({ since }: { since: string }) {
  const formats = useFormats();
  const age = Math.max(0, useNow() - Date.parse(since));
  return (
    <span className={styles.number}>
      {formats.duration(Math.floor(age / SECOND_MS) * SECOND_MS)}
    </span>
  );
}
