import type { Change } from "../address";
import { allOf, type Parsed } from "../filter/language";
import type { ExecutionFilter } from "../generated/graphql";

/** A condition, and what is listed without it, or by it alone. */
export interface Choice {
  /** The condition, as it was typed; null for the range of time. */
  text: string | null;
  /** The address that lists it. */
  to: Change;
  filter: ExecutionFilter | null;
}

/** All that a list can be without one of the conditions of a filter, or without its range. */
export function withoutOne(
  text: string,
  { parts }: Parsed,
  range: ExecutionFilter | null,
): Choice[] {
  const conditions = parts.map(({ condition }) => condition);
  const found: Choice[] = parts.map(({ from, to }, left) => ({
    text: text.slice(from, to),
    to: { filter: `${text.slice(0, from)}${text.slice(to).trimStart()}`.trim() },
    filter: allOf([...conditions.filter((_, index) => index !== left), range]),
  }));
  if (range) found.unshift({ text: null, to: { range: "" }, filter: allOf(conditions) });
  return found;
}

/** All that a list can be by one of its conditions alone, or in its range alone. */
export function onlyOne(text: string, { parts }: Parsed, range: ExecutionFilter | null): Choice[] {
  const found: Choice[] = parts.map(({ from, to, condition }) => ({
    text: text.slice(from, to),
    to: { filter: text.slice(from, to), range: "" },
    filter: condition,
  }));
  if (range) found.unshift({ text: null, to: { filter: "" }, filter: range });
  return found;
}
