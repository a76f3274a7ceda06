import { STATES } from "../design";
import type { Key } from "./terms";
import type { Operator } from "./tokens";

/** What the values of a key are, which says how they are read and compared. */
export type Kind = "states" | "texts" | "ids" | "instant" | "instants" | "lengths";

/** A key: how it is compared, and what people are told of it. */
export interface KeyFacts {
  key: Key;
  kind: Kind;
  /** What it is about, beside the key in completions. */
  what: string;
  example: string;
  /** Whether it can be missing, so that `none` and `any` are among its values. */
  canBeMissing: boolean;
}

const COMPARED: readonly Operator[] = [":", "=", ">", ">=", "<", "<="];

/** The operators of each kind of values. `=` is `:`, except for texts, which have it or are it. */
export const OPERATORS: Record<Kind, readonly Operator[]> = {
  states: [":", "="],
  texts: [":", "=", "::", "=="],
  ids: [":", "="],
  instant: [":"],
  instants: COMPARED,
  lengths: COMPARED,
};

/** All keys, in the order in which they are proposed. */
export const KEYS: readonly KeyFacts[] = [
  facts("state", "states", "its state", "state:ERROR,TIMEOUT"),
  facts("flow", "texts", "in the agentflow’s name", 'flow:"Billing agent"', true),
  facts("error", "texts", "in the error of the first step that failed", "error:any", true),
  facts("duration", "lengths", "how long it took", "duration>60s"),
  facts("after", "instant", "created then or later", "after:2026-11-01"),
  facts("before", "instant", "created earlier", "before:-24h"),
  facts("session", "ids", "its session", "session:none", true),
  facts("guid", "ids", "the execution itself", "guid:…"),
  facts("flow-id", "ids", "the agentflow’s id", "flow-id:…"),
  facts("created", "instants", "when it was created", "created:today"),
  facts("updated", "instants", "when it was last changed", "updated>-1h"),
  facts("finished", "instants", "when it came to its end", "finished<2026-11-01T09:30"),
  facts("workspace", "ids", "its workspace", "workspace:none", true),
];

const BY_NAME = new Map<string, KeyFacts>(KEYS.map((each) => [each.key, each]));
/** What people type who know the API, or other tools. */
const OTHER_NAMES: Record<string, Key> = {
  agentflow: "flow",
  "agentflow-id": "flow-id",
  agentflowid: "flow-id",
  status: "state",
  sessionid: "session",
  id: "guid",
  since: "after",
  until: "before",
};

/** The facts of a key as it was typed; undefined if there is none. */
export function keyNamed(name: string): KeyFacts | undefined {
  return BY_NAME.get(OTHER_NAMES[name] ?? name);
}

/** The state that a value names, however it is written; undefined if it names none. */
export function stateNamed(text: string) {
  const letters = text.toUpperCase().replace(/[^A-Z]/g, "");
  return letters === "RUNNING" ? "INPROGRESS" : STATES.find((state) => state === letters);
}

/** The name that is most like one; undefined if none is. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((each) => ({ each, far: each.startsWith(name) ? 0 : distance(each, name) }))
    .sort((one, other) => one.far - other.far);
  return best && best.far <= Math.max(1, Math.floor(name.length / 3)) ? best.each : undefined;
}

/** How many letters to change, add or leave out to come from one word to another. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= other.length; at += 1) {
      const same = (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1);
      next.push(Math.min(same, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

function facts(
  key: Key,
  kind: Kind,
  what: string,
  example: string,
  canBeMissing = false,
): KeyFacts {
  return { key, kind, what, example, canBeMissing };
}
