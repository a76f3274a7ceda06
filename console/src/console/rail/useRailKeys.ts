import { go } from "../address";
import { useKey } from "../keyboard";

const EVERYWHERE = "Everywhere";

/** The keys that lead from view to view. */
export function useRailKeys(): void {
  useKey({
    keys: "g o",
    name: "Go to the overview",
    group: EVERYWHERE,
    run: () => go({ view: "overview", filter: "", order: "", execution: "" }),
  });
  useKey({
    keys: "g e",
    name: "Go to the executions",
    group: EVERYWHERE,
    run: () => go({ view: "executions", filter: "", order: "", execution: "" }),
  });
}
