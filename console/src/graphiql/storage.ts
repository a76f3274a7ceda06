import type { Storage as GraphiQLStorage } from "@graphiql/toolkit";

import type { Example } from "./examples";

const PREFIX = "executions-gateway:";
const TABS = "graphiql:tabState";
const QUERY = "graphiql:query";
const VARIABLES = "graphiql:variables";
const FILLED_IN = "examples";

interface Tabs {
  activeTabIndex: number;
  tabs: { query: string | null; variables: string | null }[];
}

/**
 * Where GraphiQL keeps tabs and history: in `local`, apart from every other GraphiQL of the same
 * origin, and without headers, since a key may be typed into them.
 */
export function consoleStorage(local: Storage): GraphiQLStorage {
  const ours = () => Object.keys(local).filter((name) => name.startsWith(PREFIX));
  return {
    get length() {
      return ours().length;
    },
    clear() {
      for (const name of ours()) local.removeItem(name);
    },
    getItem(name) {
      return local.getItem(PREFIX + name);
    },
    setItem(name, value) {
      local.setItem(PREFIX + name, withoutHeaders(value));
    },
    removeItem(name) {
      local.removeItem(PREFIX + name);
    },
  };
}

/** Whether tabs of an earlier visit are there. */
export function hasTabs(storage: GraphiQLStorage): boolean {
  return storage.getItem(TABS) !== null;
}

/**
 * Bring the variables of examples in the tabs of an earlier visit up to date, where nobody has
 * changed them: what they were about may be gone.
 */
export function refreshExamples(storage: GraphiQLStorage, examples: Example[]): void {
  const before = parsed<Example[]>(storage.getItem(FILLED_IN)) ?? [];
  storage.setItem(FILLED_IN, JSON.stringify(examples));
  const kept = parsed<Tabs>(storage.getItem(TABS));
  if (!kept) return;
  for (const tab of kept.tabs) {
    const fresh = examples.find(({ query }) => query === tab.query);
    const stale = before.find(({ query }) => query === tab.query);
    if (fresh && tab.variables === stale?.variables) tab.variables = fresh.variables;
  }
  storage.setItem(TABS, JSON.stringify(kept));
  // GraphiQL finds the active tab by what its editors held last, and adds one where none fits.
  const active = kept.tabs[kept.activeTabIndex];
  storage.setItem(QUERY, active?.query ?? "");
  storage.setItem(VARIABLES, active?.variables ?? "");
}

function withoutHeaders(value: string): string {
  if (!value.includes('"headers"')) return value;
  const content = parsed<unknown>(value);
  if (content === null) return value;
  return JSON.stringify(content, (name, field: unknown) => (name === "headers" ? null : field));
}

function parsed<Content>(text: string | null): Content | null {
  try {
    return text === null ? null : (JSON.parse(text) as Content);
  } catch {
    return null;
  }
}
