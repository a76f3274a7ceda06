import { ErrorNotice } from "../notices";
import { Skeleton } from "../design";
import { graphql } from "../generated/gql";
import styles from "./execution.module.css";
import JsonView from "./JsonView";
import { useLoaded } from "./useLoaded";

const DATA = graphql(`
  query ExecutionData($guid: ID!) {
    execution(guid: $guid) {
      data
      dataProblem
    }
  }
`);

/** What the engine left of an execution, as it wrote it. */
export default function RawData({ guid }: { guid: string }) {
  const { data, refusal, again } = useLoaded(DATA, guid);
  if (!data) {
    if (refusal) return <ErrorNotice refusal={refusal} onAgain={again} />;
    return (
      <div aria-busy="true">
        <Skeleton height="6rem" />
      </div>
    );
  }
  const left = data.execution?.data ?? null;
  const problem = data.execution?.dataProblem;
  if (left === null && problem) {
    return <p className={styles.problem}>The data can’t be shown. {problem}.</p>;
  }
  return <JsonView name="Data" value={left} />;
}
