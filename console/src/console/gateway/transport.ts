import { createClient as createEventsClient, NetworkError } from "graphql-sse";
import { CloseCode, createClient as createSocketClient } from "graphql-ws";

import { type ErrorLike, type Refusal, refusalOf } from "./refusals";

/** How often an open WebSocket is asked for a sign of life, and how long it may take. */
const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 8_000;
/** How long a WebSocket stays open when nothing is followed, so that changing views costs nothing. */
const LINGER_MS = 3_000;

/** What is subscribed to. */
export interface Subscribed {
  id: string;
  variables: Record<string, unknown>;
}

/** Who is told what becomes of one subscription. It ends with `ended` or `refused`. */
export interface Listener {
  opened(): void;
  next(data: unknown): void;
  /** The stream has ended and may be opened again, after its last cursor. */
  ended(): void;
  /** The gateway refused; `code` is that of its error, if it named one. */
  refused(refusal: Refusal, code: string | undefined): void;
}

/** Opens streams of events: over a WebSocket, or where none gets through as server-sent events. */
export interface Transport {
  open(subscribed: Subscribed, listener: Listener): () => void;
  close(): void;
}

interface Result {
  data?: unknown;
  errors?: readonly ErrorLike[];
}

/** Make a transport to an endpoint. Nothing is sent until a stream is opened. */
export function transport(url: string, key: string | null): Transport {
  const headers: Record<string, string> = key ? { Authorization: `Bearer ${key}` } : {};
  const hasKey = key !== null;
  let hadSocket = false;
  let usesEvents = false;
  let pong: ReturnType<typeof setTimeout> | undefined;

  const socket = createSocketClient({
    url: url.replace(/^http/, "ws"),
    connectionParams: headers,
    retryAttempts: 0,
    lazyCloseTimeout: LINGER_MS,
    keepAlive: PING_EVERY_MS,
    // The types want a text, of which the gateway has the only copy.
    jsonMessageReplacer: (name, value: unknown) =>
      name === "query" && value === "" ? undefined : value,
    on: {
      connected: () => void (hadSocket = true),
      ping: (received) => {
        if (!received) pong = setTimeout(() => socket.terminate(), PONG_WITHIN_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pong);
      },
      closed: () => clearTimeout(pong),
    },
  });
  const events = createEventsClient({ url, headers, retryAttempts: 0 });

  function tell(listener: Listener, result: Result) {
    const [error] = result.errors ?? [];
    if (error === undefined) return listener.next(result.data);
    const code = error.extensions?.code;
    const refusal = refusalOf({ status: 200, errors: result.errors ?? [], hasKey });
    listener.refused(refusal, typeof code === "string" ? code : undefined);
  }

  function openSocket({ id, variables }: Subscribed, listener: Listener): () => void {
    let fallback: (() => void) | undefined;
    const asked = { query: "", documentId: id, variables };
    // A stream that has no events yet is open once its connection is.
    const stopListening = socket.on("connected", () => listener.opened());
    if (isOpen) listener.opened();
    const stop = socket.subscribe<unknown>(asked, {
      next: (result) => tell(listener, result as Result),
      complete: () => listener.ended(),
      error: (error) => {
        if (Array.isArray(error)) return tell(listener, { errors: error as ErrorLike[] });
        if (error instanceof CloseEvent && error.code === CloseCode.Forbidden) {
          const errors = [
            {
              message: error.reason.replace(/^Forbidden: /, ""),
              extensions: { code: "UNAUTHENTICATED" },
            },
          ];
          return listener.refused(refusalOf({ status: 401, errors, hasKey }), "UNAUTHENTICATED");
        }
        if (hadSocket) return listener.ended();
        // A proxy that lets no WebSocket through may let events through.
        fallback = openEvents({ id, variables }, listener);
      },
    });
    return () => {
      stopListening();
      stop();
      fallback?.();
    };
  }

  function openEvents({ id, variables }: Subscribed, listener: Listener): () => void {
    const asked = { query: undefined as unknown as string, documentId: id, variables };
    return events.subscribe<Record<string, unknown>>(
      asked,
      {
        next: (result) => tell(listener, result as Result),
        complete: () => listener.ended(),
        error: (error) => void failed(error, listener),
      },
      {
        connected: () => {
          usesEvents = true;
          listener.opened();
        },
      },
    );
  }

  async function failed(error: unknown, listener: Listener) {
    if (!(error instanceof NetworkError) || !(error.response instanceof Response)) {
      return listener.ended();
    }
    const { status } = error.response;
    const body = (await error.response.json().catch(() => ({}))) as Result;
    const refusal = refusalOf({ status, errors: body.errors ?? [], hasKey });
    if (refusal.kind === "away") listener.ended();
    else listener.refused(refusal, undefined);
  }

  let isOpen = false;
  socket.on("connected", () => void (isOpen = true));
  socket.on("closed", () => void (isOpen = false));

  return {
    open: (subscribed, listener) =>
      usesEvents ? openEvents(subscribed, listener) : openSocket(subscribed, listener),
    close() {
      void socket.dispose();
      events.dispose();
    },
  };
}
