import type { Change } from "../address";
import { allOf, type Parsed } from "../filter/language";
import type { ExecutionFilter } from "../generated/graphql";

/** What runs since before the time that is listed, and the address that lists it. */
export interface Earlier {
  filter: ExecutionFilter;
  to: Change;
}

/**
 * What a list leaves out although it still runs, as it was created before the range begins
 * (milliseconds since 1970; null if it is open) or before a time in the filter's text. Null if
 * nothing is too old to be listed.
 */
export function earlierRunning(text: string, { parts }: Parsed, from: number | null) {
  const begins = parts.map(({ condition }) => beginningOf(condition));
  const latest = [from, ...begins].reduce((one, other) => later(one, other), null);
  if (latest === null) return null;
  const others = parts.filter((_, index) => begins[index] === null);
  const createdOn = { lt: new Date(latest).toISOString() };
  const running: ExecutionFilter = { state: { eq: "INPROGRESS" }, createdOn };
  const rest = others
    // Those that find something running find nothing else by it.
    .filter(({ term }) => term?.key !== "state")
    .map((part) => text.slice(part.from, part.to));
  return {
    filter: allOf([...others.map(({ condition }) => condition), running]) ?? running,
    to: {
      filter: [...rest, "state:INPROGRESS"].join(" "),
      range: `..${createdOn.lt}`,
      order: "",
    },
  } satisfies Earlier;
}

/** The instant before which nothing fits a condition, as nothing was created; null if there is none. */
function beginningOf(condition: ExecutionFilter | null): number | null {
  const { createdOn, not } = condition ?? {};
  const begin = createdOn?.gte ?? createdOn?.gt;
  if (begin) return Date.parse(begin);
  const { gte, gt, lt, lte } = not?.createdOn ?? {};
  const end = gte || gt ? null : (lt ?? lte);
  return end ? Date.parse(end) : null;
}

function later(one: number | null, other: number | null): number | null {
  return one === null ? other : other === null ? one : Math.max(one, other);
}
