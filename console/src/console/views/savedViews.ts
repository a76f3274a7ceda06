import type { Change } from "../address";

/** A list with a name: what the address says of it. */
export interface SavedView {
  name: string;
  filter: string;
  order: string;
  range: string;
}

/** Views that everybody has. */
export const BUILT_IN: readonly SavedView[] = [
  { name: "Running", filter: "state:INPROGRESS", order: "", range: "" },
  {
    name: "Failed today",
    filter: "state:ERROR,TIMEOUT,TERMINATED created:today",
    order: "",
    range: "",
  },
  { name: "Slow", filter: "duration>1m", order: "-duration", range: "" },
];

/** How many views the reader can have; more are in nobody's way at the side of the page. */
export const MOST_VIEWS = 100;

/** The reader's views among what was kept, which anybody may have written. */
export function readViews(kept: unknown): readonly SavedView[] {
  if (!Array.isArray(kept)) return [];
  const names = new Set<string>();
  return kept
    .flatMap((each: unknown) => {
      const view = readView(each);
      if (!view || names.has(view.name)) return [];
      names.add(view.name);
      return view;
    })
    .slice(0, MOST_VIEWS);
}

function readView(kept: unknown): SavedView | null {
  if (typeof kept !== "object" || kept === null) return null;
  const { name, filter, order, range } = kept as Record<string, unknown>;
  const isOne =
    typeof name === "string" &&
    name.trim() !== "" &&
    typeof filter === "string" &&
    typeof order === "string" &&
    typeof range === "string";
  return isOne ? { name, filter, order, range } : null;
}

/** The views with another one, at the end or in the place of the one that has its name. */
export function withView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  const isThere = views.some(({ name }) => name === view.name);
  return isThere ? views.map((each) => (each.name === view.name ? view : each)) : [...views, view];
}

/** The views with one of them under another name, which replaces the one that had that name. */
export function renamed(
  views: readonly SavedView[],
  from: string,
  to: string,
): readonly SavedView[] {
  return views
    .filter(({ name }) => name === from || name !== to)
    .map((view) => (view.name === from ? { ...view, name: to } : view));
}

/** The view that lists what is listed; undefined if none does. */
export function viewOf(
  views: readonly SavedView[],
  { filter, order, range }: Omit<SavedView, "name">,
): SavedView | undefined {
  return views.find(
    (view) => view.filter === filter && view.order === order && view.range === range,
  );
}

/** The change of the address that shows a view. */
export function changeTo({ filter, order, range }: SavedView): Change {
  return { view: "executions", filter, order, range, execution: "" };
}
