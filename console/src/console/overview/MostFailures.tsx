import { useId } from "react";

import { Link } from "../address";
import { Skeleton } from "../design";
import { useFormats } from "../time";
import type { Figures } from "./figures";
import { FAILED } from "./comparison";
import { type About, toFlow } from "./links";
import styles from "./overview.module.css";
import { useSteady } from "./useSteady";

const PLACES = [0, 1, 2, 3, 4, 5];

interface Props {
  /** Null until they are known. */
  figures: Figures | null;
  about: About;
}

const flowOf = ({ agentflow }: Figures["failed"][number]) => agentflow.agentflowId;

/** The agentflows with the most failures in the range. */
export function MostFailures({ figures, about }: Props) {
  const formats = useFormats();
  const id = useId();
  const { items, handlers } = useSteady(figures?.failed ?? [], flowOf);
  const most = figures?.failed[0]?.count ?? 1;
  return (
    <section aria-labelledby={id} className={styles.part}>
      <h2 id={id} className={styles.heading}>
        Most failures
      </h2>
      <ol className={styles.rows} {...handlers}>
        {!figures && PLACES.map((place) => <WaitingRow key={place} />)}
        {items.map(({ agentflow: { agentflowId, name, stats }, count }) => (
          <li key={agentflowId}>
            <Link to={toFlow(about, agentflowId, FAILED)} className={styles.row}>
              <span className={styles.name} dir="auto">
                {name ?? agentflowId}
              </span>
              <span className={styles.meter} aria-hidden="true">
                <span style={{ inlineSize: `${(count / most) * 100}%` }} />
              </span>
              <span className={styles.number}>
                {formats.number(count)}
                <span className="visually-hidden"> failures,</span>
              </span>
              <span className={styles.aside}>
                {formats.percent(count / Math.max(1, stats.totalCount))}
                <span className="visually-hidden"> of its executions</span>
              </span>
            </Link>
          </li>
        ))}
      </ol>
      {figures?.failed.length === 0 && <p className={styles.none}>Nothing has failed.</p>}
    </section>
  );
}

/** A row of either list that is not there yet. */
export function WaitingRow() {
  return (
    <li className={styles.row}>
      <span className={styles.name}>
        <Skeleton width="9rem" />
      </span>
      <Skeleton width="3rem" />
    </li>
  );
}
