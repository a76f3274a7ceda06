import type { Change } from "../address";
import { parseFilter, printFilter, type Term, term, termsOf } from "../filter/language";
import type { ExecutionState } from "../generated/graphql";

/** What the overview is about, as it stands in the address. */
export interface About {
  filter: string;
  /** Never empty. */
  range: string;
  zone: string;
}

/** Where the list of the executions in some states is. The filter's other terms stay. */
export function toStates(
  { filter, range, zone }: About,
  states: readonly ExecutionState[],
): Change {
  const others = termsWithout(filter, zone, "state");
  return listed([...others, term("state", states)], range);
}

/** Where the list of the executions of an agentflow in some states is. */
export function toFlow(about: About, id: string, states: readonly ExecutionState[]): Change {
  const others = termsWithout(about.filter, about.zone, "state", "flow-id");
  return listed([...others, term("flow-id", [id]), term("state", states)], about.range);
}

/** Where the list of all that runs is, whenever it began. */
export function toRunning({ filter, zone }: About): Change {
  return listed([...termsWithout(filter, zone, "state"), term("state", ["INPROGRESS"])], "");
}

/** Where the list of everything that the overview is about is. */
export function toAll({ filter, range }: About): Change {
  return { view: "executions", filter, range: rangeInList(range), order: "", execution: "" };
}

function listed(terms: readonly Term[], range: string): Change {
  return {
    view: "executions",
    filter: printFilter(terms),
    range: rangeInList(range),
    order: "",
    execution: "",
  };
}

/** The list shows all time by itself. */
function rangeInList(range: string): string {
  return range === "all" ? "" : range;
}

function termsWithout(filter: string, zone: string, ...keys: readonly Term["key"][]): Term[] {
  const terms = termsOf(parseFilter(filter, { now: new Date(), zone }));
  // What is excluded narrows down what the link adds, and stays.
  return terms.filter(({ key, isExcluded }) => isExcluded || !keys.includes(key));
}
