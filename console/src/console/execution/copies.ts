/**
 * The request for an execution and all its data, for a shell. `rest` is the URL of all executions. A
 * key is named and never written.
 */
export function curlOf(guid: string, rest: string, needsKey: boolean): string {
  const text = encodeURIComponent(guid);
  // As the last part of a path these would name another one.
  const isPath = guid !== "." && guid !== "..";
  const url = isPath ? `${rest}/${text}?include=data` : `${rest}?guid=${text}`;
  const header = needsKey ? ` -H "Authorization: Bearer $EXECUTIONS_GATEWAY_KEY"` : "";
  return `curl -sS ${inShell(url)}${header}`;
}

/** A query for an execution and its steps, as GraphiQL takes it. */
export function graphqlOf(guid: string): string {
  return `query OneExecution {
  execution(guid: ${JSON.stringify(guid)}) {
    guid
    state
    agentflowId
    agentflowName
    sessionId
    createdOn
    updatedOn
    finishedOn
    durationMs
    error
    steps {
      label
      status
      startedOn
      durationMs
      error
      input
      output
    }
  }
}
`;
}

function inShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
