import { Link, useAddress } from "../address";
import { StateMark } from "../design";
import { graphql } from "../generated/gql";
import { useQuery } from "../gateway";
import { useFormats } from "../time";
import styles from "./list.module.css";
import { runningBefore } from "./question";
import { useGrid } from "./useList";

const EARLIER_RUNNING = graphql(`
  query EarlierRunning($filter: ExecutionFilter) {
    executions(filter: $filter) {
      totalCount
    }
  }
`);

/** Says what still runs of what the range leaves out, which would be hidden without a word. */
export function EarlierRunning() {
  const { question } = useGrid();
  const formats = useFormats();
  const { filter: text } = useAddress();
  const filter = runningBefore(question);
  const { data } = useQuery(EARLIER_RUNNING, { filter }, { pause: filter === null });
  const count = filter === null ? 0 : (data?.executions.totalCount ?? 0);
  if (count === 0 || question.from === null) return null;
  const range = `..${new Date(question.from).toISOString()}`;
  return (
    <p className={styles.earlier} role="status">
      <StateMark state="INPROGRESS" isWordHidden />
      <span>
        <Link to={{ filter: `${text} state:INPROGRESS`.trim(), range, order: "" }}>
          {count === 1 ? "1 running execution" : `${formats.number(count)} running executions`}
        </Link>{" "}
        began before this range
      </span>
    </p>
  );
}
