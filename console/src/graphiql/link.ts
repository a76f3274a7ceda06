/** An operation as a link carries it; `variables` is JSON. */
export interface Shared {
  query: string;
  variables: string;
  operationName: string | null;
}

/**
 * The link to an operation. It stands in the fragment, which browsers keep to themselves, so it
 * never reaches the log of a server.
 */
export function linkTo({ query, variables, operationName }: Shared, page: string): string {
  const fields = new URLSearchParams({ query });
  if (variables.trim()) fields.set("variables", variables);
  if (operationName) fields.set("operationName", operationName);
  const url = new URL(page);
  url.hash = fields.toString();
  return url.href;
}

/** The operation that a fragment carries; null when it carries none. */
export function sharedIn(fragment: string): Shared | null {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const query = fields.get("query");
  if (!query) return null;
  return {
    query,
    variables: fields.get("variables") ?? "",
    operationName: fields.get("operationName"),
  };
}
