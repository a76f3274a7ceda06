import { Link } from "../address";
import { Skeleton, STATES, StateMark } from "../design";
import { useFormats } from "../time";
import type { Figures } from "./figures";
import { type About, toStates } from "./links";
import styles from "./overview.module.css";

interface Props {
  /** Null until they are known. */
  figures: Figures | null;
  about: About;
}

/** How many executions are in each state, and what the colours of the timeline mean. */
export function StateCounts({ figures, about }: Props) {
  const formats = useFormats();
  return (
    <ul className={styles.states} aria-label="States">
      {STATES.map((state, index) => {
        const count = figures?.counts[index] ?? 0;
        const share = figures && figures.total > 0 ? count / figures.total : 0;
        return (
          <li key={state}>
            <Link to={toStates(about, [state])} className={styles.state}>
              <StateMark state={state} />
              <span className={styles.count}>
                {figures ? formats.number(count) : <Skeleton width="2.5rem" />}
              </span>
              <span className={styles.share}>{figures ? formats.percent(share) : ""}</span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
