import { useCallback } from "react";

import { graphql } from "../generated/gql";
import type { Scope, ViewerQuery } from "../generated/graphql";
import { useQuery } from "./useQuery";

const VIEWER = graphql(`
  query Viewer {
    viewer {
      name
      scopes
      workspaceId
    }
  }
`);

/** Who is asking, and what the key allows. */
export interface Viewing {
  /** Undefined until it is known. */
  viewer: ViewerQuery["viewer"] | undefined;
  /** Why something that needs a scope can't be done, for `off` of a button; else undefined. */
  whyNot(scope: Scope): string | undefined;
}

/** Who is asking, and what the key allows. */
export function useViewer(): Viewing {
  const viewer = useQuery(VIEWER, {}, { once: true }).data?.viewer;
  const whyNot = useCallback(
    (scope: Scope) => {
      if (!viewer) return "The gateway has not yet said what you may do";
      if (viewer.scopes.includes(scope)) return undefined;
      return `Your key${viewer.name ? ` “${viewer.name}”` : ""} has no scope ${scope.toLowerCase()}`;
    },
    [viewer],
  );
  return { viewer, whyNot };
}
