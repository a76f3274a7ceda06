import { Link } from "../address";
import { Skeleton } from "../design";
import { printFilter, term } from "../filter/language";
import styles from "./execution.module.css";
import type { Known } from "./opened";
import { Section } from "./Section";

/** What an execution belongs to, each a link to the list of all that do. */
export function Facts({ execution }: { execution: Known | null }) {
  return (
    <Section title="Details">
      <dl className={styles.facts}>
        <dt>Agentflow</dt>
        <dd>{execution ? <Ids of="flow-id" id={execution.agentflowId} /> : <Skeleton />}</dd>
        <dt>Session</dt>
        <dd>{execution ? <Ids of="session" id={execution.sessionId} /> : <Skeleton />}</dd>
        <dt>Workspace</dt>
        <dd>
          {execution?.workspaceId === undefined ? (
            <Skeleton />
          ) : (
            <Ids of="workspace" id={execution.workspaceId} />
          )}
        </dd>
        <dt>Id in REST</dt>
        <dd>
          {execution?.databaseId === undefined ? (
            <Skeleton width="4rem" />
          ) : (
            String(execution.databaseId)
          )}
        </dd>
      </dl>
    </Section>
  );
}

function Ids({ of, id }: { of: "flow-id" | "session" | "workspace"; id: string | null }) {
  if (id === null) return <span className={styles.quiet}>None</span>;
  const filter = printFilter([term(of, [id])]);
  return (
    <Link to={{ view: "executions", filter, range: "all" }} className={styles.guid}>
      {id}
    </Link>
  );
}
