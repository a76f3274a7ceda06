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
export function toStates(about: About, states: readonly ExecutionState[]): Change {
  return listed(inStates(termsIn(about), states), about.range);
}

/** Where the list of the executions of an agentflow in some states is. */
export function toFlow(about: About, id: string, states: readonly ExecutionState[]): Change {
  // It is one of those that the filter names, if it names any.
  const others = termsIn(about).filter(({ key, isExcluded }) => key !== "flow-id" || isExcluded);
  return listed(inStates([...others, term("flow-id", [id])], states), about.range);
}

/** Where the list of all that runs is, whenever it began. */
export function toRunning(about: About): Change {
  return listed(inStates(termsIn(about), ["INPROGRESS"]), "");
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

function termsIn({ filter, zone }: About): Term[] {
  return termsOf(parseFilter(filter, { now: new Date(), zone }));
}

/** Terms that find what others find, as far as it is in some states. */
function inStates(terms: readonly Term[], states: readonly ExecutionState[]): Term[] {
  const isGiven = ({ key, isExcluded }: Term) => key === "state" && !isExcluded;
  const given = terms.filter(isGiven);
  const others = terms.filter((each) => !isGiven(each));
  const left = states.filter((state) =>
    given.every(({ values }) => values.some(({ text }) => text === state)),
  );
  // Where none is left, all of the filter stays, which finds nothing, as is counted.
  return left.length > 0
    ? [...others, term("state", left)]
    : [...others, ...given, term("state", states)];
}
