import { createContext, use } from "react";

import type { Grid } from "../list/useList";

/** What a row can do; always the same object, so that no row renders without need. */
export type RowActions = Pick<Grid, "open" | "toggle" | "extendTo">;

/** Where the table puts what rows can do; use `useRowActions`. */
export const RowActionsContext = createContext<RowActions | null>(null);

/** What a row can do. */
export function useRowActions(): RowActions {
  const actions = use(RowActionsContext);
  if (!actions) throw new Error("This must be inside a list");
  return actions;
}
