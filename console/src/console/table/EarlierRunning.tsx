import { Link } from "../address";
import { StateMark } from "../design";
import { useQuery } from "../gateway";
import { graphql } from "../generated/gql";
import { useGrid } from "../list/useList";
import { useFormats } from "../time";
import styles from "./table.module.css";

const EARLIER_RUNNING = graphql(`
  query EarlierRunning($filter: ExecutionFilter) {
    executions(filter: $filter) {
      totalCount
    }
  }
`);

/**
 * Says what still runs of what the range leaves out, which would be hidden without a word. It comes
 * after the rows, which it does not move.
 */
export function EarlierRunning() {
  const { earlier } = useGrid().question;
  const formats = useFormats();
  const filter = earlier?.filter ?? null;
  const { data } = useQuery(EARLIER_RUNNING, { filter }, { pause: filter === null });
  const count = data?.executions.totalCount ?? 0;
  if (earlier === null || count === 0) return null;
  return (
    <p className={styles.earlier} role="status">
      <StateMark state="INPROGRESS" isWordHidden />
      <span>
        <Link to={earlier.to}>
          {count === 1 ? "1 running execution" : `${formats.number(count)} running executions`}
        </Link>{" "}
        began before this range
      </span>
    </p>
  );
}
