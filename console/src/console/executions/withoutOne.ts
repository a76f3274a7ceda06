import { allOf, type Parsed } from "../filter/language";
import type { ExecutionFilter } from "../generated/graphql";

/** How many conditions can be left out in one request. */
const MOST = 8;

/** What is listed without one of its conditions. */
export interface Without {
  /** The condition, as it was typed; null for the range of time. */
  text: string | null;
  /** The filter's text without it. */
  rest: string;
  /** What is listed then. */
  filter: ExecutionFilter | null;
}

/** All that a list can be without one of the conditions of a filter, or without its range. */
export function withoutOne(
  text: string,
  { parts }: Parsed,
  range: ExecutionFilter | null,
): Without[] {
  const conditions = parts.map(({ condition }) => condition);
  const found: Without[] = parts.map(({ from, to }, left) => ({
    text: text.slice(from, to),
    rest: `${text.slice(0, from)}${text.slice(to).trimStart()}`.trim(),
    filter: allOf([...conditions.filter((_, index) => index !== left), range]),
  }));
  if (range) found.unshift({ text: null, rest: text, filter: allOf(conditions) });
  return found.slice(0, MOST);
}
