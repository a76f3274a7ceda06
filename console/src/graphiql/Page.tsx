import type { FetcherParams } from "@graphiql/toolkit";
import { useEffect, useMemo, useRef, useState } from "react";

import type { Refusal } from "../shared/access";
import { type Connection, connect } from "./connection";
import { Explorer } from "./Explorer";
import { type Example, examplesWith, QUERY_FOR_VALUES } from "./examples";
import { keepKey, readKey } from "../shared/key";
import { Mark } from "../shared/Mark";
import { KeyForm, type KeyUse } from "./KeyForm";
import { sharedIn } from "./link";
import { forgetLink } from "./OpenLinks";
import { consoleStorage, refreshExamples } from "./storage";

const STORAGE = consoleStorage(localStorage);
const ENDPOINT = location.origin + location.pathname;
const START_PAGE = location.pathname.endsWith("/") ? "../" : "./";

/** The whole page: who it is, the key, what was refused, and GraphiQL once the gateway lets us in. */
export function Page() {
  const [key, setKey] = useState(readKey);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [examples, setExamples] = useState<Example[] | null>(null);
  const [shared] = useState(() => sharedIn(location.hash));
  const field = useRef<HTMLInputElement>(null);
  const connection = useMemo(() => connect({ url: ENDPOINT, key, onAnswer: setRefusal }), [key]);

  useEffect(() => () => connection.close(), [connection]);

  useEffect(() => {
    if (examples) return;
    let isCurrent = true;
    void ask(connection).then((data) => {
      if (!isCurrent || data === undefined) return;
      const made = examplesWith(data);
      refreshExamples(STORAGE, made);
      if (shared) forgetLink();
      setExamples(made);
    });
    return () => {
      isCurrent = false;
    };
  }, [connection, examples, shared]);

  useEffect(() => {
    if (refusal?.needsKey) field.current?.focus();
  }, [refusal]);

  function use(entered: string | null) {
    keepKey(entered);
    setRefusal(null);
    setKey(entered);
  }

  return (
    <>
      <header className="bar">
        <a href={START_PAGE} className="name">
          <Mark />
          Executions Gateway
        </a>
        <KeyForm
          onKey={use}
          hasKey={key !== null}
          use={useOf({ hasKey: key !== null, isLocked: !!refusal?.needsKey, isOpen: !!examples })}
          field={field}
        />
      </header>
      <div role="alert" className={refusal ? `refusal ${examples ? "over" : "alone"}` : undefined}>
        {refusal && (
          <p>
            <strong>{refusal.title}</strong> {refusal.detail}
          </p>
        )}
        {refusal && examples && (
          <button type="button" aria-label="Close" onClick={() => setRefusal(null)}>
            ✕
          </button>
        )}
      </div>
      <main>
        <h1 className="visually-hidden">GraphiQL</h1>
        {examples && (
          <Explorer
            fetcher={connection.fetch}
            storage={STORAGE}
            examples={examples}
            shared={shared}
          />
        )}
      </main>
    </>
  );
}

/** What becomes of the key, as the gateway's answers have it. */
function useOf(state: { hasKey: boolean; isLocked: boolean; isOpen: boolean }): KeyUse {
  if (state.isLocked) return state.hasKey ? "refused" : "needed";
  if (state.hasKey) return "taken";
  return state.isOpen ? "not needed" : "needed";
}

/** What the examples can be about: null when it can't be said, undefined when a key is needed first. */
async function ask({ fetch }: Connection): Promise<unknown> {
  const params: FetcherParams = { query: QUERY_FOR_VALUES };
  try {
    const answer = (await fetch(params)) as { data?: unknown; errors?: Errors };
    const isLocked = answer.errors?.some(
      ({ extensions }) => extensions?.code === "UNAUTHENTICATED",
    );
    return isLocked ? undefined : (answer.data ?? null);
  } catch {
    return null;
  }
}

type Errors = { extensions?: { code?: string } }[];
