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
  return `curl -sS '${quotable(url)}'${header}`;
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

/**
 * The URL without the characters that end quotation marks, or mean something within them: shells
 * differ in which these are, and in how to write them there.
 */
function quotable(url: string): string {
  return url.replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
}
