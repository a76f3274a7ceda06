import AGENTFLOWS from "./examples/Agentflows.graphql?raw";
import DELETE_EXECUTIONS from "./examples/DeleteExecutions.graphql?raw";
import EXAMPLE_VALUES from "./examples/ExampleValues.graphql?raw";
import NEWEST_FAILURES from "./examples/NewestFailures.graphql?raw";
import NEXT_PAGE from "./examples/NextPage.graphql?raw";
import ONE_EXECUTION from "./examples/OneExecution.graphql?raw";
import STATISTICS from "./examples/Statistics.graphql?raw";
import STOP_EXECUTION from "./examples/StopExecution.graphql?raw";
import WATCH_EXECUTIONS from "./examples/WatchExecutions.graphql?raw";

/** Asks for executions that the examples can be about. */
export const QUERY_FOR_VALUES = EXAMPLE_VALUES;

/** An operation that works as it stands; `variables` is JSON. */
export interface Example {
  query: string;
  variables: string;
}

interface Known {
  guid: string;
  state?: string;
}

interface Values {
  page: { nodes: Known[]; pageInfo: { endCursor: string | null } };
  running: { nodes: Known[] };
  oldest: { nodes: Known[] };
}

/**
 * The examples, about executions that are there. Without values (`data` is not the answer to
 * `QUERY_FOR_VALUES`) their guids are empty, to be filled in by hand.
 */
export function examplesWith(data: unknown): Example[] {
  const values = (data ?? {}) as Partial<Values>;
  const newest = values.page?.nodes[0];
  const running = values.running?.nodes[0] ?? newest;
  return [
    example(NEWEST_FAILURES, { filter: { state: { in: ["ERROR", "TIMEOUT"] } } }),
    example(NEXT_PAGE, { after: values.page?.pageInfo.endCursor ?? null }),
    example(ONE_EXECUTION, { guid: newest?.guid ?? "" }),
    example(AGENTFLOWS, { first: 3 }),
    example(STATISTICS, { filter: { state: { in: ["FINISHED", "ERROR"] } } }),
    example(WATCH_EXECUTIONS, {
      filter: { state: { in: ["FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED"] } },
    }),
    example(STOP_EXECUTION, {
      guid: running?.guid ?? "",
      input: { state: "STOPPED", expectedState: running?.state ?? "INPROGRESS" },
    }),
    example(DELETE_EXECUTIONS, { guids: (values.oldest?.nodes ?? []).map(({ guid }) => guid) }),
  ];
}

function example(query: string, variables: object): Example {
  const lines = Object.entries(variables).map(([name, value]) => `  "${name}": ${inline(value)}`);
  return { query: query.trimEnd(), variables: `{\n${lines.join(",\n")}\n}` };
}

function inline(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
}
