import { useCallback } from "react";

import { useAddress } from "../address";
import { useToast } from "../design";
import { useKept } from "../kept";
import { BUILT_IN, readViews, renamed, type SavedView, viewOf, withView } from "./savedViews";

/** The views of the reader and of everybody, and what can be done with the reader's. */
export interface Views {
  own: readonly SavedView[];
  /** The one that is listed; undefined for none. */
  current: SavedView | undefined;
  save(view: SavedView): void;
  rename(from: string, to: string): void;
  remove(view: SavedView): void;
}

/** The saved views, which this browser keeps. */
export function useViews(): Views {
  const [own, keep] = useKept("views", readViews);
  const address = useAddress();
  const say = useToast();
  const current =
    address.view === "executions" ? viewOf([...own, ...BUILT_IN], address) : undefined;

  const remove = useCallback(
    (view: SavedView) => {
      keep(own.filter(({ name }) => name !== view.name));
      say({
        text: `The view “${view.name}” is deleted.`,
        action: { name: "Undo", run: () => keep(own) },
      });
    },
    [own, keep, say],
  );

  return {
    own,
    current,
    save: (view) => keep(withView(own, view)),
    rename: (from, to) => keep(renamed(own, from, to)),
    remove,
  };
}
