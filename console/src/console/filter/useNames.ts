import { useEffect, useMemo, useState } from "react";

import { graphql } from "../generated/gql";
import { Amount, type Refusal, Refused, useGateway } from "../gateway";
import type { Names } from "./completions";

const NAMES = graphql(`
  query AgentflowNames($name: StringFilter, $first: Int!) {
    agentflows(name: $name, first: $first) {
      nodes {
        agentflowId
        name
      }
      pageInfo {
        hasNextPage
      }
    }
  }
`);

const PAUSE_MS = 150;
const MOST = 30;

/** A value once it has stayed the same for a moment. */
function useSettled<Value>(value: Value): Value {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

interface Found {
  /** The text that was looked for last; null before there is an answer. */
  part: string | null;
  /** The newest names; those of the text before, while others are asked for. */
  names: readonly string[];
  /** Whether there are more than these. */
  hasMore: boolean;
  /** Why there are none, or none that are new. */
  refusal: Refusal | null;
}

const NOTHING_YET: Found = { part: null, names: [], hasMore: false, refusal: null };

/** The names of agentflows with a text in them, each once; of all, with an empty text. */
export function useFlowNames(part: string, isWanted: boolean, first = 8) {
  const gateway = useGateway();
  const settled = useSettled(part);
  const amount = useMemo(() => new Amount(first), [first]);
  const [found, setFound] = useState(NOTHING_YET);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (!isWanted) return;
    const stop = new AbortController();
    const name = settled === "" ? null : { contains: settled };
    amount
      .ask((most) => gateway.query(NAMES, { name, first: most }, { signal: stop.signal }))
      .then(
        ({ agentflows: { nodes, pageInfo } }) => {
          const hasMore = pageInfo.hasNextPage;
          setFound({ part: settled, names: namesOf(nodes), hasMore, refusal: null });
        },
        (error: unknown) => {
          if (stop.signal.aborted) return;
          if (!(error instanceof Refused)) throw error;
          setFound({ ...NOTHING_YET, part: settled, refusal: error.refusal });
        },
      );
    return () => stop.abort();
  }, [gateway, amount, settled, isWanted, attempt]);

  return {
    ...found,
    isLoading: found.part !== part,
    again: () => setAttempt((count) => count + 1),
  };
}

function namesOf(flows: readonly { name: string | null }[]): readonly string[] {
  const names = flows.flatMap(({ name }) => name || []);
  // A line of text has no room for these.
  return [...new Set(names)].filter((each) => !/[\r\n]/.test(each));
}

/** What an execution is known to belong to. */
export interface Named {
  agentflowId: string;
  agentflowName: string | null;
  sessionId: string | null;
}

/** What completions can name: agentflows by a query, and what these executions belong to. */
export function useNames(part: string, isWanted: boolean, rows: readonly Named[]): Names {
  const { names } = useFlowNames(part, isWanted);
  return useMemo(() => {
    const ids = new Map(rows.map((row) => [row.agentflowId, row.agentflowName]));
    const sessions = new Set(rows.flatMap(({ sessionId }) => sessionId || []));
    return {
      flows: names,
      flowIds: [...ids].slice(0, MOST).map(([id, name]) => ({ id, name })),
      sessions: [...sessions].slice(0, MOST),
    };
  }, [rows, names]);
}
