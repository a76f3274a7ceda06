import type { Fetcher, FetcherParams, Observable } from "@graphiql/toolkit";
import {
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
} from "graphql";
import { createClient as createEventsClient, NetworkError } from "graphql-sse";
import { CloseCode, createClient as createSocketClient } from "graphql-ws";

import { type Refusal, refusalIn, unauthenticated } from "../shared/access";

const ACCEPT = "application/graphql-response+json, application/json";

/** How the console speaks with a gateway. */
export interface Connection {
  /** Runs an operation: over HTTP, a subscription over WebSocket or as server-sent events. */
  fetch: Fetcher;
  /** Ends what is open. */
  close(): void;
}

interface Observer<Value> {
  next(value: Value): void;
  error(error: unknown): void;
  complete(): void;
}

interface Options {
  /** Where the gateway answers GraphQL, as an http or https URL. */
  url: string;
  /** The API key to show; null for none. */
  key: string | null;
  /** Told of every answer whether it was a refusal, and which. */
  onAnswer(refusal: Refusal | null): void;
}

/** Connect with a gateway. Nothing is sent until an operation is run. */
export function connect({ url, key, onAnswer }: Options): Connection {
  const authorization: Record<string, string> = key ? { Authorization: `Bearer ${key}` } : {};
  const socket = createSocketClient({
    url: url.replace(/^http/, "ws"),
    connectionParams: authorization,
    retryAttempts: 0,
  });
  const events = createEventsClient({ url, headers: authorization, retryAttempts: 0 });
  let hasSocket = false;
  socket.on("connected", () => {
    hasSocket = true;
    onAnswer(null);
  });

  async function request(
    params: FetcherParams,
    headers: Record<string, string>,
  ): Promise<ExecutionResult> {
    const response = await fetch(url, {
      method: "POST",
      headers: { accept: ACCEPT, "content-type": "application/json", ...authorization, ...headers },
      body: JSON.stringify(params),
    });
    return answered(response);
  }

  async function answered(response: Response): Promise<ExecutionResult> {
    const text = await response.text();
    const body = parsed(text);
    onAnswer(refusalIn(response.status, body, key !== null));
    if (body === null) throw new Error(`${response.status} ${response.statusText}\n${text}`);
    return body as ExecutionResult;
  }

  function subscribe(params: FetcherParams): Observable<ExecutionResult> {
    const operation = {
      query: params.query,
      operationName: params.operationName ?? undefined,
      variables: params.variables as Record<string, unknown> | undefined,
    };

    // GraphiQL subscribes with an observer, and not in the other ways that an Observable has.
    return {
      subscribe(observer: Observer<ExecutionResult>) {
        const { complete } = observer;
        let stop = socket.subscribe(operation, { next, complete, error: failed });

        function next(result: ExecutionResult) {
          onAnswer(refusalIn(200, result, key !== null));
          observer.next(result);
        }

        function failed(error: unknown) {
          if (isClosed(error, CloseCode.Forbidden)) {
            onAnswer(unauthenticated(error.reason, key !== null));
            observer.error(new Error(error.reason));
          } else if (isClosed(error) && !hasSocket) {
            // A proxy that lets no WebSocket through lets events through.
            stop = events.subscribe(operation, { next, complete, error: refused });
          } else {
            if (Array.isArray(error)) onAnswer(refusalIn(200, { errors: error }, key !== null));
            observer.error(error);
          }
        }

        function refused(error: unknown) {
          if (!(error instanceof NetworkError) || !(error.response instanceof Response)) {
            observer.error(error);
            return;
          }
          void answered(error.response).then(next, observer.error).then(complete);
        }

        return { unsubscribe: () => stop() };
      },
    } as Observable<ExecutionResult>;
  }

  return {
    fetch(given, options) {
      const operation = meant(given);
      const operationName = operation ? operation.name?.value : given.operationName;
      const params = { ...given, operationName };
      if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return subscribe(params);
      return request(params, options?.headers ?? {});
    },
    close() {
      void socket.dispose();
      events.dispose();
    },
  };
}

/**
 * The operation that is meant, by its name where it has one. GraphiQL learns the name a moment
 * after the text has changed, so what it passes may be that of the text before.
 */
function meant({ query, operationName }: FetcherParams): OperationDefinitionNode | null {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName) ?? getOperationAST(document) ?? null;
  } catch (error) {
    // What can't be parsed is for the server to refuse.
    if (error instanceof GraphQLError) return null;
    throw error;
  }
}

function isClosed(error: unknown, code?: CloseCode): error is CloseEvent {
  return error instanceof CloseEvent && (code === undefined || error.code === code);
}

function parsed(text: string): object | null {
  try {
    return JSON.parse(text) as object | null;
  } catch {
    return null;
  }
}
