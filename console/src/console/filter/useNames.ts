import { useEffect, useMemo, useState } from "react";

import { graphql } from "../generated/gql";
import { useQuery } from "../gateway";
import type { Names } from "./completions";

const NAMES = graphql(`
  query AgentflowNames($name: StringFilter, $first: Int!) {
    agentflows(name: $name, first: $first) {
      nodes {
        agentflowId
        name
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

/** The names of agentflows with a text in them, each once; of all, with an empty text. */
export function useFlowNames(part: string, isWanted: boolean, first = 8) {
  const settled = useSettled(part);
  const name = settled === "" ? null : { contains: settled };
  const { data, isLoading } = useQuery(NAMES, { name, first }, { pause: !isWanted });
  const names = useMemo(() => {
    const found = data?.agentflows.nodes.flatMap((flow) => flow.name || []) ?? [];
    // A line of text has no room for these.
    return [...new Set(found)].filter((each) => !/[\r\n]/.test(each));
  }, [data]);
  return { names, isLoading: isLoading || settled !== part };
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
