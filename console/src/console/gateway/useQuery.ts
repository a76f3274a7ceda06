import { useCallback, useMemo } from "react";
import { useQuery as useUrqlQuery } from "urql";

import { useGateway } from "./GatewayProvider";
import { byId, type Operation, type Variables } from "./operation";
import type { Refusal } from "./refusals";

/** What is known of what was asked for. */
export interface Answer<Result> {
  /** The newest data; kept while the same or other variables are asked for. */
  data: Result | undefined;
  /** Why there is none, or none that is new. */
  refusal: Refusal | null;
  /** Whether something is being asked for that is not there yet. */
  isLoading: boolean;
  /** Ask again. */
  again(): void;
}

interface Options {
  /** Ask for nothing yet. */
  pause?: boolean;
  /** Ask only once: it does not change while the page is open. */
  once?: boolean;
}

/** What a query says, asked for when it is shown: first as it was, then as it is now. */
export function useQuery<Result, Given extends Variables>(
  operation: Operation<Result, Given>,
  variables: Given,
  { pause = false, once = false }: Options = {},
): Answer<Result> {
  const gateway = useGateway();
  const query = useMemo(() => byId(operation), [operation]);
  const [{ data, error, fetching, stale }, execute] = useUrqlQuery({
    query,
    variables,
    pause,
    ...(once && { requestPolicy: "cache-first" }),
  });
  const again = useCallback(() => execute({ requestPolicy: "network-only" }), [execute]);
  return {
    data,
    refusal: error ? gateway.refusalOf(error) : null,
    isLoading: fetching || stale,
    again,
  };
}
