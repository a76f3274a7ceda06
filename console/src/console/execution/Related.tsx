import { useMemo } from "react";

import { Link } from "../address";
import { ErrorNotice } from "../notices";
import { Skeleton, StateMark } from "../design";
import { printFilter, term } from "../filter/language";
import { graphql } from "../generated/gql";
import type { ExecutionFilter, RelatedFragment } from "../generated/graphql";
import { useQuery } from "../gateway";
import { Instant, useFormats } from "../time";
import styles from "./execution.module.css";
import type { Known } from "./opened";
import { Section } from "./Section";

graphql(`
  fragment Related on Execution {
    guid
    state
    agentflowId
    agentflowName
    createdOn
    durationMs
  }
`);

const RELATED = graphql(`
  query RelatedExecutions(
    $others: ExecutionFilter
    $hasSession: Boolean!
    $newer: ExecutionFilter
    $older: ExecutionFilter
  ) {
    others: executions(filter: $others, first: 5) @include(if: $hasSession) {
      totalCount
      nodes {
        ...Related
      }
    }
    newer: executions(filter: $newer, orderBy: [{ field: CREATED_ON, direction: ASC }], first: 3) {
      nodes {
        ...Related
      }
    }
    older: executions(filter: $older, first: 3) {
      nodes {
        ...Related
      }
    }
  }
`);

interface Props {
  execution: Known;
  /** Whether they are asked for yet; there is room for them. */
  isWanted: boolean;
}

/** The other executions of its session, and those of its agentflow before and after it. */
export function Related({ execution, isWanted }: Props) {
  const { guid, agentflowId, sessionId, createdOn, state, durationMs } = execution;
  const { number } = useFormats();
  const variables = useMemo(() => {
    const ofFlow = { agentflowId: { eq: agentflowId }, guid: { notIn: [guid] } };
    return {
      others: sessionId === null ? null : { sessionId: { eq: sessionId }, guid: { notIn: [guid] } },
      hasSession: sessionId !== null,
      newer: { ...ofFlow, createdOn: { gte: createdOn } },
      older: { ...ofFlow, createdOn: { lt: createdOn } },
    } satisfies Record<string, ExecutionFilter | boolean | null>;
  }, [guid, agentflowId, sessionId, createdOn]);
  const { data, refusal, again } = useQuery(RELATED, variables, { pause: !isWanted });
  if (!data && refusal) return <ErrorNotice refusal={refusal} onAgain={again} />;

  const { others } = data ?? {};
  return (
    <>
      {sessionId !== null && (
        <Section title="Others of its session" count={others?.totalCount}>
          {others?.totalCount === 0 && <p className={styles.quiet}>It is alone in its session.</p>}
          <Executions executions={others?.nodes} hasFlow />
          {others && others.totalCount > others.nodes.length && (
            <All filter={printFilter([term("session", [sessionId])])}>
              All {number(others.totalCount + 1)} of this session
            </All>
          )}
        </Section>
      )}
      <Section title="Before and after it, of the same agentflow">
        <Executions
          executions={
            data && [
              ...[...data.newer.nodes].reverse(),
              { ...execution, guid, state, createdOn, durationMs },
              ...data.older.nodes,
            ]
          }
          open={guid}
        />
        <All filter={printFilter([term("flow-id", [agentflowId])])}>All of this agentflow</All>
      </Section>
    </>
  );
}

function All({ filter, children }: { filter: string; children: React.ReactNode }) {
  return (
    <Link to={{ view: "executions", filter, range: "all" }} className={styles.all}>
      {children}
    </Link>
  );
}

interface ExecutionsProps {
  executions: readonly RelatedFragment[] | undefined;
  /** The guid of the one that is open. */
  open?: string;
  /** Whether they are of several agentflows. */
  hasFlow?: boolean;
}

function Executions({ executions, open, hasFlow = false }: ExecutionsProps) {
  const { duration } = useFormats();
  if (!executions) {
    return (
      <div className={styles.related} aria-busy="true">
        {[1, 2, 3].map((each) => (
          <div key={each} className={styles.relative}>
            <Skeleton />
          </div>
        ))}
      </div>
    );
  }
  return (
    <ul className={styles.related}>
      {executions.map(({ guid, state, agentflowName, agentflowId, createdOn, durationMs }) => (
        <li key={guid}>
          <Link
            to={{ execution: guid }}
            className={styles.relative}
            aria-current={guid === open || undefined}
          >
            <StateMark state={state} isWordHidden={hasFlow} />
            {hasFlow && (
              <span className={styles.flow} dir="auto">
                {agentflowName ?? agentflowId}
              </span>
            )}
            <span className={styles.when}>
              <Instant at={createdOn} />
            </span>
            <span className={styles.took}>{durationMs === null ? "–" : duration(durationMs)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
