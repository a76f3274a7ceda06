import { useCallback, useEffect, useState } from "react";

import { graphql } from "../generated/gql";
import type { StepContentsQuery } from "../generated/graphql";
import { type Refusal, Refused, useGateway } from "../gateway";

const CONTENTS = graphql(`
  query StepContents($guid: ID!) {
    execution(guid: $guid) {
      dataProblem
      steps {
        nodeId
        input
        output
      }
    }
  }
`);

type Answered = NonNullable<StepContentsQuery["execution"]>;

/** What steps were given and made of it, which is much, and is loaded when one is opened. */
export interface Contents {
  /** By the place of the step; undefined until it is there. */
  of(index: number, nodeId: string): Answered["steps"][number] | undefined;
  /** Why there is nothing, in words. */
  problem: string | null;
  refusal: Refusal | null;
  /** Load them, unless they are there. */
  load(): void;
}

/** The inputs and outputs of an execution's steps, once somebody asks; anew after a change. */
export function useContents(guid: string, changes: number): Contents {
  const gateway = useGateway();
  const [isWanted, want] = useState(false);
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const load = useCallback(() => want(true), []);

  useEffect(() => {
    if (!isWanted) return;
    const abort = new AbortController();
    gateway.query(CONTENTS, { guid }, { signal: abort.signal }).then(
      ({ execution }) => {
        setAnswered(execution ?? { dataProblem: "The execution is gone", steps: [] });
        setRefusal(null);
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        if (error instanceof Refused) setRefusal(error.refusal);
        else throw error;
      },
    );
    return () => abort.abort();
  }, [gateway, guid, changes, isWanted]);

  return {
    of(index, nodeId) {
      const step = answered?.steps[index];
      return step?.nodeId === nodeId ? step : undefined;
    },
    problem: answered?.dataProblem ?? null,
    refusal,
    load,
  };
}
