import { STATES, wordOf } from "../design";
import type { ExecutionState } from "../generated/graphql";
import { KEYS, keyNamed, type KeyFacts } from "./keys";
import { printValue } from "./language";
import { type Token, tokensOf } from "./tokens";

/** What is being typed: the beginning of a term, or a value of a key. */
export interface Place {
  /** The key whose value it is; null at the beginning of a term. */
  facts: KeyFacts | null;
  /** What there is of it before the caret, without quotation marks. */
  typed: string;
  /** What a completion takes the place of. */
  from: number;
  to: number;
  /** The other values of the term. */
  others: readonly string[];
}

/** Something to put into the text. */
export interface Completion {
  name: string;
  /** More about it. */
  what: string;
  state?: ExecutionState;
  /** What it puts in the place of what is typed. */
  text: string;
  /** Whether there is something to type after it, so that no space follows. */
  isBeginning: boolean;
}

/** What completions can name besides what is known of the language. */
export interface Names {
  /** Names of agentflows that have what is typed in them. */
  flows: readonly string[];
  /** Agentflows that the list has. */
  flowIds: readonly { id: string; name: string | null }[];
  /** Sessions that the list has. */
  sessions: readonly string[];
}

const MOST = 12;
/** From how many letters on a word is looked for among the names of agentflows. */
export const LETTERS_OF_NAMES = 2;

const TIMES = [
  ["today", "since midnight"],
  ["yesterday", "the day before"],
  ["-1h", "an hour ago"],
  ["-24h", "24 hours ago"],
  ["-7d", "7 days ago"],
] as const;
const LENGTHS = [
  ["1s", "a second"],
  ["10s", "ten seconds"],
  ["1m", "a minute"],
  ["10m", "ten minutes"],
  ["1h", "an hour"],
] as const;

/** What is being typed at a place in a text. */
export function placeAt(text: string, caret: number): Place {
  const token = tokensOf(text).find(({ from, to }) => from < caret && caret <= to);
  if (!token) return { facts: null, typed: "", from: caret, to: caret, others: [] };
  const facts = token.key === null ? null : keyNamed(token.key);
  if (facts) {
    const value = valueAt(token, text, caret);
    if (value) return { facts, ...value };
  }
  const from = token.from + (token.isExcluded ? 1 : 0);
  const typed = text.slice(from, caret).replace(/^"/, "");
  return { facts: null, typed, from, to: isOpen(token, text) ? caret : token.to, others: [] };
}

function valueAt({ pieces, problem }: Token, text: string, caret: number) {
  const piece = pieces.find(({ from, to }) => from <= caret && caret <= to);
  const others = pieces.filter((each) => each !== piece).map((each) => each.text);
  if (piece) {
    const typed = text.slice(piece.from, caret).replace(/^"/, "");
    return { typed, from: piece.from, to: piece.to, others };
  }
  // In quotation marks that are not closed yet.
  if (!problem || caret <= problem.from || text[problem.from] !== '"') return null;
  return { typed: text.slice(problem.from + 1, caret), from: problem.from, to: caret, others };
}

function isOpen({ problem, to }: Token, text: string): boolean {
  return problem !== null && to === text.length && text[problem.from] === '"';
}

/** What could be meant by what is being typed. */
export function completionsAt(place: Place, names: Names): Completion[] {
  const found = place.facts ? valuesFor(place, place.facts, names) : termsFor(place, names);
  return found.slice(0, place.typed === "" ? KEYS.length : MOST);
}

const OR = { name: "OR", what: "or else what follows", text: "OR ", isBeginning: true };

function termsFor({ typed, from }: Place, names: Names): Completion[] {
  const word = typed.toLowerCase();
  const isOr = from > 0 && word !== "" && "or".startsWith(word);
  const keys = KEYS.filter(({ key }) => key.startsWith(word)).map(({ key, kind, what }) => {
    const operator = kind === "lengths" || key === "updated" || key === "finished" ? ">" : ":";
    return { name: `${key}${operator}`, what, text: `${key}${operator}`, isBeginning: true };
  });
  if (isOr) keys.unshift(OR);
  if (word.length < LETTERS_OF_NAMES) return keys;
  const states = statesLike(word).map((state) => ({
    ...ofState(state),
    text: `state:${state}`,
  }));
  const flows = names.flows.map((name) => ({
    name,
    what: "agentflow",
    text: `flow=${printValue("flow", { kind: "text", text: name })}`,
    isBeginning: false,
  }));
  return [...keys, ...states, ...flows];
}

function valuesFor({ typed, others }: Place, facts: KeyFacts, names: Names): Completion[] {
  const value = (text: string, what: string): Completion => ({
    name: text,
    what,
    text: printValue(facts.key, { kind: "text", text }),
    isBeginning: false,
  });
  const fits = ({ name }: Completion) =>
    name.toLowerCase().includes(typed.toLowerCase()) && name !== typed && !others.includes(name);
  const words = facts.canBeMissing
    ? [word("none", "it has none"), word("any", "it has one")].filter(fits)
    : [];
  switch (facts.key) {
    case "state":
      return statesLike(typed).map(ofState).filter(fits);
    case "flow":
      return [...names.flows.map((name) => value(name, "")).filter(fits), ...words];
    case "flow-id":
      return names.flowIds.map(({ id, name }) => value(id, name ?? "")).filter(fits);
    case "session":
      return [...words, ...names.sessions.map((id) => value(id, "")).filter(fits)];
    case "error":
    case "workspace":
      return words;
    case "guid":
      return [];
    case "duration":
      return LENGTHS.map(([text, what]) => value(text, what)).filter(fits);
    default:
      return TIMES.map(([text, what]) => value(text, what)).filter(fits);
  }
}

function word(name: string, what: string): Completion {
  return { name, what, text: name, isBeginning: false };
}

function ofState(state: ExecutionState): Completion {
  return { name: state, what: wordOf(state), state, text: state, isBeginning: false };
}

function statesLike(typed: string): ExecutionState[] {
  const letters = typed.toUpperCase().replace(/[^A-Z]/g, "");
  return STATES.filter((state) => state.startsWith(letters));
}

/** The text with a completion in it, and where the caret is then. */
export function completed(text: string, place: Place, { text: put, isBeginning }: Completion) {
  const tail = text.slice(place.to);
  const space = isBeginning || /^[\s,]/.test(tail) ? "" : " ";
  const head = text.slice(0, place.from) + put + space;
  return { text: head + tail, caret: head.length };
}
