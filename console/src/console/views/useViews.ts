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

  const save = useCallback(
    (view: SavedView) => {
      const isKept = keep((before) => withView(before, view));
      say(
        isKept
          ? `The view “${view.name}” is saved.`
          : {
              text: `The view “${view.name}” is there until this page is closed: the browser keeps no more.`,
              isProblem: true,
            },
      );
    },
    [keep, say],
  );

  const remove = useCallback(
    (view: SavedView) => {
      keep((before) => before.filter(({ name }) => name !== view.name));
      say({
        text: `The view “${view.name}” is deleted.`,
        action: { name: "Undo", run: () => void keep((before) => withView(before, view)) },
      });
    },
    [keep, say],
  );

  return {
    own,
    current,
    save,
    rename: (from, to) => void keep((before) => renamed(before, from, to)),
    remove,
  };
}
