import { useCallback, useEffect, useRef, useState } from "react";

import { type Refusal, Refused, useGateway } from "../gateway";
import type { TypedDocumentString } from "../generated/graphql";
import { type Loader, loaderOf } from "./loader";

/** What is known of what was asked for. */
interface Loaded<Result> {
  /** The newest data; undefined until it is there. */
  data: Result | undefined;
  /** Why there is none, or none that is new. */
  refusal: Refusal | null;
  /** Ask again. */
  again(): void;
}

interface Options {
  /** How often the execution has changed; what it says is asked for anew with each change. */
  changes?: number;
  /** Whether it is asked for yet. */
  isWanted?: boolean;
}

/**
 * What a query says of an execution. It may have many megabytes, so it is in no cache, which would
 * keep those of each execution that was ever opened.
 */
export function useLoaded<Result>(
  operation: TypedDocumentString<Result, { guid: string }>,
  guid: string,
  { changes = 0, isWanted = true }: Options = {},
): Loaded<Result> {
  const gateway = useGateway();
  const [data, setData] = useState<Result>();
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const loader = useRef<Loader | null>(null);
  const seen = useRef(changes);
  const again = useCallback(() => loader.current?.load(), []);

  useEffect(() => {
    if (!isWanted) return;
    const abort = new AbortController();

    async function load() {
      try {
        setData(await gateway.query(operation, { guid }, { signal: abort.signal }));
        setRefusal(null);
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Refused)) throw error;
        setRefusal(error.refusal);
      }
    }

    const own = loaderOf(load);
    loader.current = own;
    own.load();
    return () => {
      own.end();
      abort.abort();
      loader.current = null;
    };
  }, [gateway, operation, guid, isWanted]);

  useEffect(() => {
    // What is asked for when it is first shown has all changes until then.
    if (seen.current === changes) return;
    seen.current = changes;
    again();
  }, [changes, again]);

  return { data, refusal, again };
}
