import { expect, test } from "vitest";

import type {
  BigIntFilter,
  DateTimeFilter,
  ExecutionFilter,
  ExecutionStateFilter,
  IdFilter,
  StringFilter,
} from "../generated/graphql";
import { parseFilter } from "./language";

// All that the API can filter by, and how it is typed. The types are complete, so that what the API
// learns has to be added here.

/** Conditions with `key` in the place of the name; null for what no execution can be told by. */
type Written<Filter> = Record<keyof Filter, string | null>;

const IDS: Written<IdFilter> = {
  eq: "key:a",
  in: "key:a,b",
  notIn: "-key:a,b",
  isNull: "key:none",
};
const ALWAYS_THERE: Written<IdFilter> = { ...IDS, isNull: null };
const TEXTS: Written<StringFilter> = {
  eq: "key=a",
  in: "key=a,b",
  contains: "key:a",
  startsWith: "key:a*",
  caseSensitive: "key::a",
};
const TIMES: Written<DateTimeFilter> = {
  gt: "key>-1h",
  gte: "key>=2026",
  lt: "key<2026",
  lte: "key<=now",
};
const LENGTHS: Written<BigIntFilter> = {
  gt: "key>1s",
  gte: "key>=1s",
  lt: "key<1s",
  lte: "key<=1s",
};
const STATES: Written<ExecutionStateFilter> = {
  eq: "key:ERROR",
  in: "key:ERROR,TIMEOUT",
  notIn: "-key:ERROR,TIMEOUT",
};

type Field = Exclude<keyof ExecutionFilter, "and" | "or" | "not">;

const FIELDS: Record<Field, [key: string, conditions: Record<string, string | null>]> = {
  guid: ["guid", ALWAYS_THERE],
  agentflowId: ["flow-id", ALWAYS_THERE],
  agentflowName: ["flow", TEXTS],
  sessionId: ["session", IDS],
  state: ["state", STATES],
  createdOn: ["created", TIMES],
  updatedOn: ["updated", TIMES],
  finishedOn: ["finished", TIMES],
  durationMs: ["duration", LENGTHS],
  workspaceId: ["workspace", IDS],
  error: ["error", TEXTS],
};
const COMBINED: Record<Exclude<keyof ExecutionFilter, Field>, string> = {
  and: "guid:a session:b",
  or: "guid:a OR session:b",
  not: "-guid:a",
};
// What is written in another way means the same.
const SAME: Record<string, RegExp> = {
  in: /"in":|"or":\[\{"[^}]*"eq":/,
  notIn: /"not":\{.*"in":/,
};

const CASES = Object.entries(FIELDS).flatMap(([field, [key, conditions]]) =>
  Object.entries(conditions).flatMap(([operator, text]) =>
    text === null ? [] : [[text.replace("key", key), field, operator] as const],
  ),
);

test.each(CASES)("%s filters by %s with %s", (text, field, operator) => {
  const { filter, problems } = parseFilter(text, { now: new Date(), zone: "UTC" });
  expect(problems).toEqual([]);
  const asked = JSON.stringify(filter);
  expect(asked).toContain(`"${field}":`);
  expect(asked).toMatch(SAME[operator] ?? new RegExp(`"${operator}":`));
});

test.each(Object.entries(COMBINED))("conditions are combined with %s", (combination, text) => {
  const { filter } = parseFilter(text, { now: new Date(), zone: "UTC" });
  expect(Object.keys(filter ?? {})).toEqual([combination]);
});
