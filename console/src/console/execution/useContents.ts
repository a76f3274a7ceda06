import { useCallback, useState } from "react";

import type { Refusal } from "../gateway";
import { graphql } from "../generated/gql";
import type { StepContentsQuery } from "../generated/graphql";
import { useLoaded } from "./useLoaded";

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

const GONE: Answered = { dataProblem: "The execution is gone", steps: [] };

/** The inputs and outputs of an execution's steps, once somebody asks; anew after a change. */
export function useContents(guid: string, changes: number): Contents {
  const [isWanted, want] = useState(false);
  const { data, refusal } = useLoaded(CONTENTS, guid, { changes, isWanted });
  const load = useCallback(() => want(true), []);
  const answered = data ? (data.execution ?? GONE) : null;
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
