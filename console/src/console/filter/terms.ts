import type { Operator } from "./tokens";

/** What terms can be about. Those without a key look for a text in several places. */
export type Key =
  | "state"
  | "flow"
  | "flow-id"
  | "session"
  | "guid"
  | "error"
  | "duration"
  | "after"
  | "before"
  | "created"
  | "updated"
  | "finished"
  | "workspace";

/** A text to compare with, or the beginning of one, or that there is none, or any at all. */
export interface Value {
  kind: "text" | "beginning" | "none" | "any";
  text: string;
}

/** One condition: what it is about, how it is compared, and the values of which one must fit. */
export interface Term {
  key: Key | null;
  isExcluded: boolean;
  operator: Operator;
  values: readonly Value[];
  /** Whether `OR` stands before it: then it, or the one before, must hold. */
  isAlternative?: boolean;
}

/** A term with a key and texts: `state:ERROR,TIMEOUT`. */
export function term(key: Key, values: readonly string[], change: Partial<Term> = {}): Term {
  const texts = values.map((text): Value => ({ kind: "text", text }));
  return { key, isExcluded: false, operator: ":", values: texts, ...change };
}
