import type { Change } from "../address";
import { allOf, type Parsed, type Part, printTerm, type Term } from "../filter/language";
import type { ExecutionFilter } from "../generated/graphql";

/** What runs and is not listed, as it was created at another time. */
export interface Outside {
  /**
   * What runs, whenever it was created, and what of it is listed. The gateway counts both without
   * reading executions, which it could not do for the rest.
   */
  running: ExecutionFilter;
  listed: ExecutionFilter;
  /** The address that lists it. */
  to: Change;
}

const RUNNING: ExecutionFilter = { state: { eq: "INPROGRESS" } };
/** The terms that make a range of time, as the range beside the filter does. */
const TIMES: ReadonlySet<unknown> = new Set(["after", "before", "created"]);

/**
 * What a list leaves out although it still runs, as it was created outside the range, or outside the
 * times in the filter's text. Null if executions of all times are listed.
 */
export function runningOutside(
  text: string,
  { parts }: Parsed,
  range: { gte?: string; lt?: string } | null,
): Outside | null {
  const times = parts.filter(isTime);
  const others = parts.filter((part) => !isTime(part));
  if (times.length === 0 && range === null) return null;
  const running = [...others.map(({ condition }) => condition), RUNNING];
  const within = [...times.map(({ condition }) => condition), range && { createdOn: range }];
  const rest = others
    // Those that find something running find nothing else by it.
    .filter(({ term }) => term?.key !== "state")
    .map((part) => text.slice(part.from, part.to));
  const outside = [
    ...times.flatMap(({ term }) => term ?? []).map(excluded),
    ...(range?.gte ? [`before:${range.gte}`] : []),
    ...(range?.lt ? [`after:${range.lt}`] : []),
  ];
  return {
    running: allOf(running) ?? RUNNING,
    listed: allOf([...running, ...within]) ?? RUNNING,
    to: {
      filter: [...rest, "state:INPROGRESS", outside.join(" OR ")].join(" "),
      range: "",
      order: "",
    },
  };
}

function isTime({ term }: Part): boolean {
  return TIMES.has(term?.key);
}

/** A term for all that this one does not find. */
function excluded(term: Term): string {
  return printTerm({ ...term, isExcluded: !term.isExcluded });
}
