import type { ExecutionFilter } from "../generated/graphql";
import { SECOND_MS } from "../time";
import { allOf, conditionOf, Wrong } from "./execution-filter";
import { keyNamed, KEYS, type KeyFacts, nearest, OPERATORS, stateNamed } from "./keys";
import type { Term, Value } from "./terms";
import { type At, withOffset } from "./times";
import {
  isOr,
  isPlainValue,
  isPlainWord,
  type Operator,
  type Piece,
  type Problem,
  quoted,
  type Token,
  tokensOf,
} from "./tokens";

export { allOf } from "./execution-filter";
export type { Key, Term, Value } from "./terms";
export { term } from "./terms";
export type { At } from "./times";
export type { Problem } from "./tokens";

/** A part of the text that is one condition: a term, or several with `OR` between them. */
export interface Part {
  from: number;
  to: number;
  /** The term that it is; null if it is several, or has a problem. */
  term: Term | null;
  terms: readonly Term[];
  /** Null if there is a problem in it. */
  condition: ExecutionFilter | null;
}

/** What a text means. */
export interface Parsed {
  /** The condition of all its terms; null if there are none, or problems. */
  filter: ExecutionFilter | null;
  /** What can't be understood. While there is something, nothing is to be asked for. */
  problems: readonly Problem[];
  /** Everything in the text but the spaces, in its order. */
  parts: readonly Part[];
}

/** How long a filter can be: as long as anybody types, and URLs are. */
export const MOST_CHARACTERS = 20_000;

/** Both what is typed and what is in the address, also as a second begins. */
const MOST_KEPT = 4;
const kept = new Map<string, Parsed>();

/**
 * Read a filter as it is typed: `state:ERROR,TIMEOUT -flow:"Billing agent" duration>60s`. Dates are
 * days of the zone. Nothing is left out: what can't be understood is among the problems. The
 * moment counts to the second.
 */
export function parseFilter(text: string, at: At): Parsed {
  // Many parts of the page ask what the same text means, each of them whenever anything changes.
  const key = `${Math.floor(at.now.getTime() / SECOND_MS)} ${at.zone} ${text}`;
  let parsed = kept.get(key);
  if (!parsed) {
    parsed = parse(text, at);
    const [oldest] = kept.keys();
    if (kept.size >= MOST_KEPT && oldest !== undefined) kept.delete(oldest);
    kept.set(key, parsed);
  }
  return parsed;
}

function parse(text: string, at: At): Parsed {
  if (text.length > MOST_CHARACTERS) {
    const words = `A filter can have ${MOST_CHARACTERS} characters; this one is longer.`;
    const problem = { from: MOST_CHARACTERS, to: text.length, words };
    return { filter: null, problems: [problem], parts: [] };
  }
  const read = joined(tokensOf(text), at);
  const problems = read.flatMap((each) => each.problems);
  const parts = read.map(({ part }) => part);
  const filter = problems.length > 0 ? null : allOf(parts.map(({ condition }) => condition));
  return { filter, problems, parts };
}

/** The terms of a text; those that have a problem are not among them. */
export function termsOf({ parts }: Parsed): Term[] {
  return parts.flatMap(({ terms }) => terms);
}

/** Write terms as they are read. */
export function printFilter(terms: readonly Term[]): string {
  return terms.map((each) => `${each.isAlternative ? "OR " : ""}${printTerm(each)}`).join(" ");
}

/** Write a term as it is read. */
export function printTerm({ key, isExcluded, operator, values }: Term): string {
  const head = `${isExcluded ? "-" : ""}${key === null ? "" : `${key}${operator}`}`;
  return head + values.map((value) => printValue(key, value)).join(",");
}

/** The same terms, with offsets at times of the zone's clocks, so that they mean the same anywhere. */
export function anchored(terms: readonly Term[], zone: string): Term[] {
  return terms.map((each) => {
    const kind = each.key && keyNamed(each.key)?.kind;
    if (kind !== "instant" && kind !== "instants") return each;
    const anchor = (text: string) =>
      text
        .split("..")
        .map((bound) => withOffset(bound, zone))
        .join("..");
    return {
      ...each,
      values: each.values.map((value) => ({ ...value, text: anchor(value.text) })),
    };
  });
}

/** Write a value of a key as it is read. */
export function printValue(key: Term["key"], { kind, text }: Value): string {
  if (kind === "none" || kind === "any") return kind;
  if (key === null) return isPlainWord(text) ? text : quoted(text);
  const isWord = keyNamed(key)?.canBeMissing && /^(none|any)$/i.test(text);
  const written = isPlainValue(text) && !isWord ? text : quoted(text);
  return kind === "beginning" ? `${written}*` : written;
}

interface Read {
  part: Part;
  problems: readonly Problem[];
}

/** The conditions of a text: its terms, where `OR` joins those that it stands between. */
function joined(tokens: readonly Token[], at: At): Read[] {
  const areOr = tokens.map(isOr);
  const read: Read[] = [];
  for (const [index, token] of tokens.entries()) {
    const last = read.at(-1);
    if (areOr[index]) {
      const isBetween = areOr[index - 1] === false && areOr[index + 1] === false;
      if (!isBetween) read.push(failed(token, { ...placeOf(token), words: ALONE }));
    } else if (last && areOr[index - 1] && areOr[index - 2] === false) {
      read.splice(-1, 1, either(last, partOf(token, at)));
    } else {
      read.push(partOf(token, at));
    }
  }
  return read;
}

const ALONE = "Write a condition before OR and one after it, or put it in quotation marks.";

function either(one: Read, other: Read): Read {
  const [first, second] = [one.part.condition, other.part.condition];
  // What is no single term has its alternatives in it already.
  const alternatives = (one.part.term ? [first] : first?.or) ?? [];
  const terms = other.part.terms.map((each) => ({ ...each, isAlternative: true }));
  const isRead = first !== null && second !== null;
  return {
    part: {
      from: one.part.from,
      to: other.part.to,
      term: null,
      terms: [...one.part.terms, ...terms],
      condition: isRead ? { or: [...alternatives.filter((each) => each !== null), second] } : null,
    },
    problems: [...one.problems, ...other.problems],
  };
}

function failed({ from, to }: Token, problem: Problem): Read {
  return { part: { from, to, term: null, terms: [], condition: null }, problems: [problem] };
}

function partOf(token: Token, at: At): Read {
  const { from, to } = token;
  const fail = (problem: Problem) => failed(token, problem);
  if (token.problem) return fail(token.problem);
  const read = termOf(token);
  if ("words" in read) return fail(read);
  const condition = conditionOf(read, at);
  if (condition instanceof Wrong) {
    const piece = condition.value === null ? undefined : token.pieces[condition.value];
    return fail({ from: piece?.from ?? from, to: piece?.to ?? to, words: condition.words });
  }
  return { part: { from, to, term: read, terms: [read], condition }, problems: [] };
}

function termOf({ from, to, isExcluded, key: name, operator, pieces }: Token): Term | Problem {
  if (name === null) {
    const starred = pieces.find(({ hasStar }) => hasStar);
    if (starred) return { ...placeOf(starred), words: STAR };
    const [piece] = pieces;
    if (!piece?.text) return { from, to, words: "There is nothing in it to look for." };
    return { key: null, isExcluded, operator: ":", values: [{ kind: "text", text: piece.text }] };
  }
  const facts = keyNamed(name);
  if (!facts) return { from, to, words: unknown(name) };
  if (!OPERATORS[facts.kind].includes(operator)) {
    return { from, to, words: `This is written as in ${facts.example}.` };
  }
  const problem = pieces.map((piece) => problemOf(piece, facts, operator)).find(Boolean);
  // An empty value has no place to be shown at, so all of it is.
  if (problem) return problem.from === problem.to ? { ...problem, from, to } : problem;
  const isPlain = facts.kind !== "texts" && operator === "=";
  return {
    key: facts.key,
    isExcluded,
    operator: isPlain ? ":" : operator,
    values: pieces.map((piece) => valueOf(piece, facts)),
  };
}

const STAR = "A text without a key is found anywhere; leave the * out.";

function problemOf(piece: Piece, { key, kind, example }: KeyFacts, operator: Operator) {
  if (piece.text === "" && !piece.isQuoted) {
    const words = piece.hasStar
      ? "Write before the * how it begins."
      : `Say here which, as in ${example}.`;
    return { ...placeOf(piece), words };
  }
  if (!piece.hasStar) return null;
  if (kind !== "texts") {
    return { ...placeOf(piece), words: `A * means the beginning of a text, which ${key} is not.` };
  }
  if (operator === ":" || operator === "::") return null;
  const words = `Write ${key}: rather than ${key}${operator} before a beginning.`;
  return { ...placeOf(piece), words };
}

function valueOf(piece: Piece, { kind, canBeMissing }: KeyFacts): Value {
  const { text } = piece;
  if (piece.hasStar) return { kind: "beginning", text };
  const word = text.toLowerCase();
  const isWord = canBeMissing && !piece.isQuoted && (word === "none" || word === "any");
  if (isWord) return { kind: word, text: "" };
  return { kind: "text", text: (kind === "states" && stateNamed(text)) || text };
}

function placeOf({ from, to }: Piece | Token) {
  return { from, to };
}

function unknown(name: string): string {
  const like = nearest(
    name,
    KEYS.map(({ key }) => key),
  );
  const instead = like ? `Did you mean ${like}? ` : "";
  return `There is no key ${name}. ${instead}To find it as a text, put it in quotation marks.`;
}
