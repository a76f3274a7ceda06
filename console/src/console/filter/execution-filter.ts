import type { DateTimeFilter, ExecutionFilter, StringFilter } from "../generated/graphql";
import { stateNamed } from "./keys";
import type { Term, Value } from "./terms";
import { type At, spanOf, isAfterAll, isoOf, lengthOf } from "./times";
import type { Operator } from "./tokens";

/** Why a term makes no condition: in which of its values, if in one of them. */
export class Wrong {
  constructor(
    readonly words: string,
    readonly value: number | null = null,
  ) {}
}

type TimeField = "createdOn" | "updatedOn" | "finishedOn";

const TIME_FIELDS = {
  after: "createdOn",
  before: "createdOn",
  created: "createdOn",
  updated: "updatedOn",
  finished: "finishedOn",
} as const;
const ID_FIELDS = {
  "flow-id": "agentflowId",
  session: "sessionId",
  guid: "guid",
  workspace: "workspaceId",
} as const;
const NOT_A_TIME =
  "This is no time. Write 2026-11-01, 2026-11-01T14:30, today, or -24h for 24 hours ago.";
const NOT_A_LENGTH = "This is no length of time. Write it with its unit: 500ms, 60s, 1h30m.";

/** The condition of the API that a term is, or what is wrong with it. */
export function conditionOf(term: Term, at: At): ExecutionFilter | Wrong {
  const condition = affirmed(term, at);
  if (condition instanceof Wrong || !term.isExcluded) return condition;
  return { not: condition };
}

function affirmed({ key, operator, values }: Term, at: At): ExecutionFilter | Wrong {
  switch (key) {
    case null:
      return either(values.map(({ text }) => anywhere(text)));
    case "state":
      return ofStates(values);
    case "flow":
      return ofTexts("agentflowName", operator, values);
    case "error":
      return ofTexts("error", operator, values);
    case "flow-id":
    case "session":
    case "guid":
    case "workspace":
      return ofIds(ID_FIELDS[key], values);
    case "duration":
      return alternatives(operator, values, (text) => ofLength(text, operator));
    case "after":
    case "before":
      return alternatives(key === "after" ? ">=" : "<", values, (text) =>
        ofTime(TIME_FIELDS[key], text, key === "after" ? ">=" : "<", at),
      );
    case "created":
    case "updated":
    case "finished":
      return alternatives(operator, values, (text) => ofTime(TIME_FIELDS[key], text, operator, at));
  }
}

/** Where a text without a key is looked for. */
function anywhere(text: string): ExecutionFilter {
  return {
    or: [
      { agentflowName: { contains: text } },
      { guid: { eq: text } },
      { sessionId: { eq: text } },
      { agentflowId: { eq: text } },
    ],
  };
}

function ofStates(values: readonly Value[]): ExecutionFilter | Wrong {
  const states = values.map(({ text }) => stateNamed(text));
  const unknown = states.indexOf(undefined);
  if (unknown >= 0) {
    return new Wrong(
      "There is no such state: they are INPROGRESS, FINISHED, ERROR, TERMINATED, TIMEOUT and STOPPED.",
      unknown,
    );
  }
  const known = states.filter((state) => state !== undefined);
  const [first] = known;
  return { state: known.length === 1 && first ? { eq: first } : { in: known } };
}

function ofTexts(
  field: "agentflowName" | "error",
  operator: Operator,
  values: readonly Value[],
): ExecutionFilter {
  const isWhole = operator === "=" || operator === "==";
  const caseSensitive = operator === "::" || operator === "==";
  const of = (condition: StringFilter): ExecutionFilter => ({
    [field]: caseSensitive ? { ...condition, caseSensitive } : condition,
  });
  return either(
    values.map(({ kind, text }) => {
      // Every text has the empty one in it, and what has no text does not.
      if (kind === "any") return of({ contains: "" });
      if (kind === "none") return { not: of({ contains: "" }) };
      if (kind === "beginning") return of({ startsWith: text });
      return of(isWhole ? { eq: text } : { contains: text });
    }),
  );
}

function ofIds(
  field: (typeof ID_FIELDS)[keyof typeof ID_FIELDS],
  values: readonly Value[],
): ExecutionFilter {
  const ids = values.filter(({ kind }) => kind === "text").map(({ text }) => text);
  const [first] = ids;
  const listed = ids.length === 1 && first !== undefined ? { eq: first } : { in: ids };
  return either([
    ...(ids.length > 0 ? [{ [field]: listed }] : []),
    ...values
      .filter(({ kind }) => kind === "none" || kind === "any")
      .map(({ kind }) => ({ [field]: { isNull: kind === "none" } })),
  ]);
}

/** What one of several values makes; an order has but one. */
function alternatives(
  operator: Operator,
  values: readonly Value[],
  make: (text: string) => ExecutionFilter | Wrong,
): ExecutionFilter | Wrong {
  if (isOrder(operator) && values.length > 1) return new Wrong("There can be one value only.", 1);
  const made: ExecutionFilter[] = [];
  for (const [index, { text }] of values.entries()) {
    const condition = make(text);
    if (condition instanceof Wrong) return new Wrong(condition.words, index);
    made.push(condition);
  }
  return either(made);
}

function ofTime(
  field: TimeField,
  text: string,
  operator: Operator,
  at: At,
): ExecutionFilter | Wrong {
  const read = (each: string) => spanOf(each, at);
  if (isOrder(operator)) {
    const given = read(text);
    if (!given) return new Wrong(NOT_A_TIME);
    return { [field]: compared(operator, given.from, given.until) };
  }
  const range = rangeOf(text, read);
  if (!range) return new Wrong(NOT_A_TIME);
  const { from, until } = range;
  if (range.isOne && from && from.from === from.until) {
    return new Wrong(`This is an instant. Write ${field.replace("On", "")}>${text} for all since.`);
  }
  if (from && until && from.from >= until.until) return new Wrong(BACKWARDS);
  return { [field]: { ...(from && { gte: isoOf(from.from) }), ...(until && upTo(until.until)) } };
}

function compared(operator: Operator, from: number, until: number): DateTimeFilter {
  switch (operator) {
    case ">":
      return from === until ? { gt: isoOf(from) } : { gte: isoOf(until) };
    case ">=":
      return { gte: isoOf(from) };
    case "<":
      return { lt: isoOf(from) };
    default:
      return from === until ? { lte: isoOf(from) } : upTo(until);
  }
}

/** Before an instant; the last one of all is in it. */
function upTo(until: number): DateTimeFilter {
  return isAfterAll(until) ? { lte: isoOf(until) } : { lt: isoOf(until) };
}

function ofLength(text: string, operator: Operator): ExecutionFilter | Wrong {
  if (isOrder(operator)) {
    const given = lengthOf(text);
    return given ? { durationMs: { [LIMITS[operator]]: given.length } } : new Wrong(NOT_A_LENGTH);
  }
  const range = rangeOf(text, lengthOf);
  if (!range) return new Wrong(NOT_A_LENGTH);
  const { from, until } = range;
  if (range.isOne && from) {
    return { durationMs: { gte: from.length, lt: from.length + from.precision } };
  }
  if (from && until && from.length > until.length) return new Wrong(BACKWARDS);
  return {
    durationMs: { ...(from && { gte: from.length }), ...(until && { lte: until.length }) },
  };
}

const LIMITS = { ">": "gt", ">=": "gte", "<": "lt", "<=": "lte" } as const;
const BACKWARDS = "This ends before it begins.";

function isOrder(operator: Operator): operator is keyof typeof LIMITS {
  return operator in LIMITS;
}

/** Both ends of `FROM..UNTIL`, of which one may be open; a single value is both of them. */
function rangeOf<Bound>(text: string, read: (text: string) => Bound | null) {
  const [first = "", last, ...more] = text.split("..");
  if (more.length > 0 || (first === "" && !last)) return null;
  const from = first === "" ? null : read(first);
  const until = last === "" ? null : last === undefined ? from : read(last);
  const isRead = (first === "" || from !== null) && (last === "" || until !== null);
  return isRead ? { from, until, isOne: last === undefined } : null;
}

function either(conditions: readonly ExecutionFilter[]): ExecutionFilter {
  const [first] = conditions;
  return conditions.length === 1 && first ? first : { or: [...conditions] };
}

/** All of several conditions; null if there are none. */
export function allOf(
  conditions: readonly (ExecutionFilter | null | undefined)[],
): ExecutionFilter | null {
  const given = conditions.filter((each) => each !== null && each !== undefined);
  const [first] = given;
  if (given.length <= 1) return first ?? null;
  return { and: given };
}
