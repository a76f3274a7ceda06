import {
  Client,
  type CombinedError,
  cacheExchange,
  fetchExchange,
  mapExchange,
  type OperationResult,
} from "@urql/core";

import { unauthenticated } from "../../shared/access";
import { canBeKey } from "../../shared/key";
import { type Live, live } from "./follow";
import { type Observable, observable } from "./observable";
import { onDemand } from "./onDemand";
import { byId, type Operation, type Variables } from "./operation";
import { type Refusal, Refused, refusalOf } from "./refusals";

const ACCEPT = "application/graphql-response+json, application/json";

interface Options {
  /** Gives up waiting; what was asked for may be done all the same. */
  signal?: AbortSignal | undefined;
}

/** How the console speaks with the gateway, with one key or none. */
export interface Gateway {
  client: Client;
  live: Live;
  /** The last refusal of this key, or of having none; null while it is taken. */
  locked: Observable<Refusal | null>;
  /** Whether the page was built for another version of the gateway than the one that answers. */
  outdated: Observable<boolean>;
  /** Say that a part of the page can't be loaded, which may be gone with its version. */
  noteMissingPart(): void;
  /** Ask for what is there now, past every cache. Rejects with Refused. */
  query<Result, Given extends Variables>(
    operation: Operation<Result, Given>,
    variables: Given,
    options?: Options,
  ): Promise<Result>;
  /** Change something. Rejects with Refused. */
  mutate<Result, Given extends Variables>(
    operation: Operation<Result, Given>,
    variables: Given,
    options?: Options,
  ): Promise<Result>;
  refusalOf(error: CombinedError): Refusal;
  close(): void;
}

const NO_KEY: Refusal = {
  kind: "key",
  ...unauthenticated("It has characters that no key has; copy it again", true),
};

/** Connect with the gateway. Nothing is sent until something is asked for. */
export function connect(key: string | null): Gateway {
  // Beside the page, perhaps below the path of a proxy.
  const url = new URL("graphql", document.baseURI).href;
  const hasKey = key !== null;
  const locked = observable<Refusal | null>(key === null || canBeKey(key) ? null : NO_KEY);
  const outdated = observable(false);
  // Nobody follows anything before the first figures or rows are there.
  const following = live(
    onDemand(async () => (await import("./transport")).transport(url, key)),
    noteRefusal,
  );
  const options = {
    url,
    preferGetMethod: false,
    fetchOptions: () => ({
      headers: { accept: ACCEPT, ...(hasKey && { authorization: `Bearer ${key}` }) },
    }),
  };
  const noting = mapExchange({ onResult: noteAccess });
  const client = new Client({
    ...options,
    requestPolicy: "cache-and-network",
    exchanges: [noting, cacheExchange, fetchExchange],
  });
  // A cache would keep every page of millions of rows, also of those that ask past it.
  const uncached = new Client({
    ...options,
    requestPolicy: "network-only",
    exchanges: [noting, fetchExchange],
  });

  function noteAccess(result: OperationResult) {
    if (result.error) noteRefusal(refusalFrom(result.error));
    else if (result.data) locked.set(null);
  }

  function noteRefusal(refusal: Refusal) {
    if (refusal.needsKey) locked.set(refusal);
    if (refusal.kind === "outdated") outdated.set(true);
  }

  async function noteMissingPart() {
    // Where the network is what fails, the page's own script can't be asked for either.
    const own = await fetch(import.meta.url, { method: "HEAD", cache: "no-store" }).catch(
      () => null,
    );
    if (own?.status === 404) outdated.set(true);
  }

  function refusalFrom(error: CombinedError): Refusal {
    const response = error.response as Response | undefined;
    return refusalOf({ status: response?.status, errors: error.graphQLErrors, hasKey });
  }

  function answered<Result>(
    source: ReturnType<Client["query"]>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const { unsubscribe } = source.subscribe(({ data, error, stale }) => {
        if (stale) return;
        queueMicrotask(() => unsubscribe());
        if (error) reject(new Refused(refusalFrom(error)));
        else resolve(data as Result);
      });
      signal?.addEventListener("abort", () => {
        unsubscribe();
        reject(signal.reason as Error);
      });
    });
  }

  return {
    client,
    live: following,
    locked,
    outdated,
    noteMissingPart: () => void noteMissingPart(),
    refusalOf: refusalFrom,
    query: (operation, variables, { signal } = {}) =>
      answered(uncached.query(byId(operation), variables), signal),
    mutate: (operation, variables, { signal } = {}) =>
      answered(client.mutation(byId(operation), variables), signal),
    close: () => following.close(),
  };
}
