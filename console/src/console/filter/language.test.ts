import fc from "fast-check";
import { expect, test, vi } from "vitest";

import { formatsFor } from "../time";
import { KEYS, OPERATORS } from "./keys";
import {
  anchored,
  MOST_CHARACTERS,
  parseFilter,
  printFilter,
  type Term,
  termsOf,
  type Value,
} from "./language";

const AT = { now: new Date("2026-11-26T12:00:00Z"), zone: "UTC" };

function filterOf(text: string, at = AT) {
  const { filter, problems } = parseFilter(text, at);
  expect(problems).toEqual([]);
  return filter;
}

test("an empty text has no condition", () => {
  expect(parseFilter("  ", AT)).toEqual({ filter: null, problems: [], parts: [] });
});

test("a text that is longer than a filter can be is not read at all", () => {
  const text = "state:ERROR ".repeat(MOST_CHARACTERS / 12 + 1);
  const { filter, problems, parts } = parseFilter(text, AT);
  expect({ filter, parts }).toEqual({ filter: null, parts: [] });
  expect(problems).toMatchObject([{ from: MOST_CHARACTERS, to: text.length }]);
});

test("all terms of a text must hold", () => {
  expect(filterOf('state:ERROR,TIMEOUT -flow:"Billing agent" duration>60s')).toEqual({
    and: [
      { state: { in: ["ERROR", "TIMEOUT"] } },
      { not: { agentflowName: { contains: "Billing agent" } } },
      { durationMs: { gt: 60_000 } },
    ],
  });
});

test.each([
  ["state:error", { state: { eq: "ERROR" } }],
  ["status:running,in-progress", { state: { in: ["INPROGRESS", "INPROGRESS"] } }],
  ["-state:FINISHED", { not: { state: { eq: "FINISHED" } } }],
  ["flow:bill", { agentflowName: { contains: "bill" } }],
  ["flow=Billing", { agentflowName: { eq: "Billing" } }],
  ['flow:"Billing a"*', { agentflowName: { startsWith: "Billing a" } }],
  ["flow::Bill*", { agentflowName: { startsWith: "Bill", caseSensitive: true } }],
  ["flow==Billing", { agentflowName: { eq: "Billing", caseSensitive: true } }],
  [
    "flow:a,b",
    { or: [{ agentflowName: { contains: "a" } }, { agentflowName: { contains: "b" } }] },
  ],
  ["flow:none", { not: { agentflowName: { contains: "" } } }],
  ['flow:"none"', { agentflowName: { contains: "none" } }],
  ["flow-id:x", { agentflowId: { eq: "x" } }],
  ["guid:a,b", { guid: { in: ["a", "b"] } }],
  ["guid:none", { guid: { eq: "none" } }],
  ["session:none", { sessionId: { isNull: true } }],
  ["session:a,none", { or: [{ sessionId: { eq: "a" } }, { sessionId: { isNull: true } }] }],
  ["workspace:any", { workspaceId: { isNull: false } }],
  ["error:any", { error: { contains: "" } }],
  ['error:"no \\"such\\" model"', { error: { contains: 'no "such" model' } }],
  ["duration>=1h30m", { durationMs: { gte: 5_400_000 } }],
  ["duration<1.5s", { durationMs: { lt: 1500 } }],
  ["duration:12s", { durationMs: { gte: 12_000, lt: 13_000 } }],
  ["duration:10s..1m", { durationMs: { gte: 10_000, lte: 60_000 } }],
  ["duration:..1m", { durationMs: { lte: 60_000 } }],
])("%s is understood", (text, filter) => {
  expect(filterOf(text)).toEqual(filter);
});

test("OR joins what stands on both sides of it, before everything else must hold", () => {
  const error = { state: { eq: "ERROR" } };
  const slow = { durationMs: { gt: 3_600_000 } };
  const billing = { agentflowName: { contains: "billing" } };
  expect(filterOf("state:ERROR OR duration>1h flow:billing")).toEqual({
    and: [{ or: [error, slow] }, billing],
  });
  expect(filterOf("duration>1h OR -flow:billing OR state:ERROR")).toEqual({
    or: [slow, { not: billing }, error],
  });
  expect(filterOf("flow:a,b OR state:ERROR")).toEqual({
    or: [
      { or: [{ agentflowName: { contains: "a" } }, { agentflowName: { contains: "b" } }] },
      error,
    ],
  });
  expect(filterOf('"OR"')).toMatchObject({
    or: [{ agentflowName: { contains: "OR" } }, {}, {}, {}],
  });
});

test("a text without a key is looked for in names, and among ids", () => {
  const found = (text: string) => ({
    or: [
      { agentflowName: { contains: text } },
      { guid: { eq: text } },
      { sessionId: { eq: text } },
      { agentflowId: { eq: text } },
    ],
  });
  expect(filterOf('a,b* -"c d"')).toEqual({ and: [found("a,b*"), { not: found("c d") }] });
});

test.each([
  ["OR state:ERROR", "OR", "before OR and one after"],
  ["state:ERROR OR", "OR", "before OR and one after"],
  ["a OR stat:ERROR OR b", "stat:ERROR", "Did you mean state?"],
  ["state:", "state:", "Say here which"],
  ["state:ERROR,", "state:ERROR,", "Say here which"],
  ["state:ERROR,WRONG", "WRONG", "no such state"],
  ["stat:ERROR", "stat:ERROR", "Did you mean state?"],
  ["http://x", "http://x", "no key http. To find"],
  ["state>ERROR", "state>ERROR", "state:ERROR,TIMEOUT"],
  ['x flow:"Bill', '"Bill', "not closed"],
  ['flow:"Bill"x', "x", "Put a space here"],
  ['Bill"x" y', '"x"', "go around the whole"],
  ["- x", "-", "what to exclude"],
  ['""', '""', "nothing in it"],
  ['"a"*', '"a"*', "leave the * out"],
  ["flow=a*", "a*", "flow: rather than flow="],
  ["flow:*", "*", "how it begins"],
  ["guid:a*", "a*", "which guid is not"],
  ["duration>60", "60", "with its unit"],
  ["duration>5s,6s", "6s", "one value only"],
  ["duration:2m..1m", "2m..1m", "ends before it begins"],
  ["after:2026-02-30", "2026-02-30", "no time"],
  ["created:-24h", "-24h", "created>-24h"],
  ["updated:2026..2025", "2026..2025", "ends before it begins"],
  ["created:..", "..", "no time"],
])("%s has a problem at %s: … %s …", (text, part, words) => {
  const { filter, problems } = parseFilter(text, AT);
  expect(filter).toBeNull();
  expect(problems.map(({ from, to }) => text.slice(from, to))).toEqual([part]);
  expect(problems[0]?.words).toContain(words);
});

test.each([0, 7, 999, 1_000, 8_540, 59_999, 125_000, 3_599_999, 3_725_000, 90_000_000, 1e11])(
  "%d ms are found by what is shown for them",
  (length) => {
    const shown = formatsFor("en", "UTC").duration(length);
    const { gte, lt } = filterOf(`duration:${shown}`)?.durationMs ?? {};
    expect(gte).toBeLessThanOrEqual(length);
    expect(lt).toBeGreaterThan(length);
  },
);

// Times

test.each([
  ["after:2026-11-01", "UTC", { gte: "2026-11-01T00:00:00.000Z" }],
  ["before:2026-11-01", "Asia/Kolkata", { lt: "2026-10-31T18:30:00.000Z" }],
  ["created>2026-11-01", "Asia/Kolkata", { gte: "2026-11-01T18:30:00.000Z" }],
  ["created<=2026-11-01T09:30", "UTC", { lt: "2026-11-01T09:31:00.000Z" }],
  ["created:2026-11", "UTC", { gte: "2026-11-01T00:00:00.000Z", lt: "2026-12-01T00:00:00.000Z" }],
  ["created:2026", "UTC", { gte: "2026-01-01T00:00:00.000Z", lt: "2027-01-01T00:00:00.000Z" }],
  ["created>=2026-11-01T09:30+05:30", "UTC", { gte: "2026-11-01T04:00:00.000Z" }],
  ["created>2026-11-01T09:30:00.25Z", "UTC", { gte: "2026-11-01T09:30:00.251Z" }],
  ['created<"2026-11-01 09:30"', "UTC", { lt: "2026-11-01T09:30:00.000Z" }],
  ["created>-24h", "UTC", { gt: "2026-11-25T12:00:00.000Z" }],
  ["created<=now", "UTC", { lte: "2026-11-26T12:00:00.000Z" }],
  [
    "created:today",
    "Asia/Kolkata",
    { gte: "2026-11-25T18:30:00.000Z", lt: "2026-11-26T18:30:00.000Z" },
  ],
  [
    "created:2026-11-01..2026-11-02",
    "UTC",
    { gte: "2026-11-01T00:00:00.000Z", lt: "2026-11-03T00:00:00.000Z" },
  ],
  ["created:-2h..-1h", "UTC", { gte: "2026-11-26T10:00:00.000Z", lt: "2026-11-26T11:00:00.000Z" }],
  ["created:2026-11-01..", "UTC", { gte: "2026-11-01T00:00:00.000Z" }],
  ["created>=0001", "Asia/Kolkata", { gte: "0001-01-01T00:00:00.000Z" }],
  ["created:9999", "UTC", { gte: "9999-01-01T00:00:00.000Z", lte: "9999-12-31T23:59:59.999Z" }],
])("%s in %s is a range of instants", (text, zone, createdOn) => {
  expect(filterOf(text, { ...AT, zone })).toEqual({ createdOn });
});

test.each([
  ["2026-03-29", 23],
  ["2026-10-25", 25],
  ["2026-10-26", 24],
])("the %s has %d hours in Berlin", (day, hours) => {
  const filter = filterOf(`created:${day}`, { ...AT, zone: "Europe/Berlin" });
  const { gte, lt } = filter?.createdOn ?? {};
  expect((Date.parse(lt ?? "") - Date.parse(gte ?? "")) / 3_600_000).toBe(hours);
});

test.each([
  ["after:2026-11-01T09:30", "after:2026-11-01T09:30+05:30"],
  ["created:2026-11-01T09:30..2026-11-02", "created:2026-11-01T09:30+05:30..2026-11-02"],
  ["after:2026-11-01", "after:2026-11-01"],
  ["updated>-24h", "updated>-24h"],
])("%s is anchored as %s, to mean the same in another zone", (text, printed) => {
  const there = { ...AT, zone: "Asia/Kolkata" };
  const terms = anchored(termsOf(parseFilter(text, there)), there.zone);
  expect(printFilter(terms)).toBe(printed);
  expect(filterOf(printed, there)).toEqual(filterOf(text, there));
});

test("a text is read once a second, however often it is asked about", () => {
  const text = "state:ERROR created>-24h";
  const parsed = parseFilter(text, AT);
  const soon = new Date(AT.now.getTime() + 999);
  expect(parseFilter(text, { ...AT, now: soon })).toBe(parsed);
  expect(parseFilter(text, { ...AT, zone: "Asia/Kolkata" })).not.toBe(parsed);
  const later = parseFilter(text, { ...AT, now: new Date(AT.now.getTime() + 1_000) });
  expect(later.filter).toMatchObject({
    and: [{}, { createdOn: { gt: "2026-11-25T12:00:01.000Z" } }],
  });
});

test("only the last few texts are kept", () => {
  const parsed = parseFilter("flow:kept", AT);
  for (let count = 0; count < 10; count += 1) parseFilter(`flow:${count}`, AT);
  expect(parseFilter("flow:kept", AT)).not.toBe(parsed);
});

test("the longest list of years has its offsets looked up once, not each second", () => {
  const years = Array.from({ length: 3_900 }, (_, index) => String(1_000 + 2 * index));
  const text = `created:${years.join(",")}`;
  const there = { ...AT, zone: "Europe/Berlin" };
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, "formatToParts");
  expect(filterOf(text, there)?.or).toHaveLength(years.length);
  expect(asked).toHaveBeenCalled();
  asked.mockClear();
  expect(filterOf(text, { ...there, now: new Date(AT.now.getTime() + 5_000) })).not.toBeNull();
  expect(asked).not.toHaveBeenCalled();
  asked.mockRestore();
});

// Whatever is typed

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom(...'ab:=<>,-*"\\ .\u00a0'.split("")) }),
  fc.constantFrom("none", "ANY", "OR", "ERROR", "2026-11-01", "-24h", "a:b", "flow:x"),
);

const anyTerm: fc.Arbitrary<Term> = fc.oneof(
  fc
    .record({ isExcluded: fc.boolean(), text: anyText.filter((text) => text !== "") })
    .map(({ isExcluded, text }): Term => ({
      key: null,
      isExcluded,
      operator: ":",
      values: [{ kind: "text", text }],
    })),
  fc.constantFrom(...KEYS.filter(({ kind }) => kind === "texts" || kind === "ids")).chain((facts) =>
    fc.record({
      key: fc.constant(facts.key),
      isExcluded: fc.boolean(),
      operator:
        facts.kind === "texts"
          ? fc.constantFrom(...OPERATORS.texts)
          : fc.constant<Term["operator"]>(":"),
      values: fc.array(
        fc.oneof(
          anyText.map((text): Value => ({ kind: "text", text })),
          ...(facts.canBeMissing
            ? [fc.constantFrom<Value>({ kind: "none", text: "" }, { kind: "any", text: "" })]
            : []),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  ),
  fc.constantFrom<Term>(
    ...termsOf(
      parseFilter("state:ERROR -state:STOPPED,TIMEOUT flow::a* after:today finished:-2h..", AT),
    ),
  ),
);

const anyTerms = fc
  .array(fc.tuple(anyTerm, fc.boolean()), { maxLength: 6 })
  .map((terms) =>
    terms.map(([each, isAlternative], index) =>
      isAlternative && index > 0 ? { ...each, isAlternative } : each,
    ),
  );

test("terms that are printed are read as they were", () => {
  fc.assert(
    fc.property(anyTerms, (terms) => {
      const parsed = parseFilter(printFilter(terms), AT);
      expect(parsed.problems).toEqual([]);
      expect(termsOf(parsed)).toEqual(terms);
    }),
  );
});

test("nothing that is typed is left out: it is a term, or a problem", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(anyText, fc.constantFrom("state:", "flow=", "created>", "x", " OR "))),
      (texts) => {
        const text = texts.join("");
        const { parts, problems, filter } = parseFilter(text, AT);
        let at = 0;
        for (const { from, to, condition } of parts) {
          expect(text.slice(at, from).trim()).toBe("");
          expect(from).toBeGreaterThanOrEqual(at);
          expect(to).toBeGreaterThan(from);
          const own = problems.filter((problem) => problem.from >= from && problem.to <= to);
          expect(own.length > 0).toBe(condition === null);
          at = to;
        }
        expect(text.slice(at).trim()).toBe("");
        expect(filter === null).toBe(problems.length > 0 || parts.length === 0);
      },
    ),
  );
});

test("what is printed is printed as it is", () => {
  fc.assert(
    fc.property(fc.array(anyText), (texts) => {
      const { parts, problems } = parseFilter(texts.join(" "), AT);
      if (problems.length > 0) return;
      const printed = printFilter(parts.flatMap(({ terms }) => terms));
      expect(printFilter(termsOf(parseFilter(printed, AT)))).toBe(printed);
    }),
  );
});
