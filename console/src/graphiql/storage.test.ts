import { beforeEach, expect, test } from "vitest";

import { consoleStorage, hasTabs, refreshExamples } from "./storage";

const TABS = "graphiql:tabState";

/** The Web Storage that Node does not have: an object whose keys are what is kept. */
class Kept {
  [name: string]: unknown;
}
Object.defineProperties(Kept.prototype, {
  getItem: { value: (name: string) => kept[name] ?? null },
  setItem: { value: (name: string, value: string) => void (kept[name] = value) },
  removeItem: { value: (name: string) => void delete kept[name] },
});

let kept: Kept;
let storage: ReturnType<typeof consoleStorage>;

beforeEach(() => {
  kept = new Kept();
  storage = consoleStorage(kept as unknown as Storage);
});

test("what is kept has names of its own, and clearing leaves the rest", () => {
  kept["graphiql:query"] = "of another program";
  storage.setItem("graphiql:query", "{ a }");
  expect(storage.getItem("graphiql:query")).toBe("{ a }");
  expect(storage.length).toBe(1);
  storage.clear();
  expect(storage.length).toBe(0);
  expect(kept["graphiql:query"]).toBe("of another program");
});

test("headers are not kept, wherever they stand", () => {
  const history = { queries: [{ query: "{ a }", headers: '{"Authorization": "Bearer egw_x"}' }] };
  storage.setItem("graphiql:queries", JSON.stringify(history));
  expect(storage.getItem("graphiql:queries")).toBe(
    '{"queries":[{"query":"{ a }","headers":null}]}',
  );
});

test("an example that nobody has changed gets variables that are true today", () => {
  const example = (guid: string) => ({ query: "query One", variables: `{"guid": "${guid}"}` });
  const tabs = { activeTabIndex: 0, tabs: [example("old"), { query: "mine", variables: "{}" }] };
  refreshExamples(storage, [example("old")]);
  expect(hasTabs(storage)).toBe(false);
  storage.setItem(TABS, JSON.stringify(tabs));
  refreshExamples(storage, [example("new")]);
  const now = JSON.parse(storage.getItem(TABS) ?? "") as typeof tabs;
  expect(now.tabs).toEqual([example("new"), { query: "mine", variables: "{}" }]);
  expect(storage.getItem("graphiql:variables")).toBe('{"guid": "new"}');
});

test("an example that somebody has changed stays as it is", () => {
  const example = (variables: string) => ({ query: "query One", variables });
  refreshExamples(storage, [example("old")]);
  storage.setItem(TABS, JSON.stringify({ activeTabIndex: 0, tabs: [example("mine")] }));
  refreshExamples(storage, [example("new")]);
  expect(storage.getItem(TABS)).toContain("mine");
});
