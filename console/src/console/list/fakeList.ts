import { vi } from "vitest";

import { ListStore } from "./ListStore";
import type { Row } from "./row";
import type { Place } from "./snapshot";
import type { Asked, Change, Page, Source } from "./source";

const FIRST = Date.parse("2026-11-26T12:00:00Z");

/** An execution for tests; those with greater numbers are newer. */
export function fakeExecution(
  number: number,
  changed: Partial<Row> = {},
): Page["edges"][number]["node"] {
  const createdOn = new Date(FIRST + number * 1000).toISOString();
  const { cursor: _cursor, standing: _standing, ...fields } = changed;
  return {
    guid: String(number),
    state: "FINISHED",
    agentflowId: "1",
    agentflowName: "Flow",
    sessionId: null,
    createdOn,
    updatedOn: createdOn,
    durationMs: 1000,
    ...fields,
  };
}

/** A source for tests that has some executions, newest first, and tells of what it is told. */
export class FakeSource implements Source {
  nodes: Page["edges"][number]["node"][];
  asked: string[] = [];
  private tell: ((change: Change) => void) | undefined;
  private expire: (() => void) | undefined;
  private events = 0;

  constructor(count: number) {
    this.nodes = Array.from({ length: count }, (_, index) => fakeExecution(count - index));
  }

  start: Source["start"] = async (asked, span) => ({
    eventCursor: "0",
    total: this.nodes.length,
    page: await this.page(asked, span),
  });

  page = async (asked: Asked, span: Parameters<Source["page"]>[1]): Promise<Page> => {
    const until = latest(asked.filter);
    const guids = asked.filter?.guid?.in;
    const nodes = this.nodes.filter(
      ({ guid, createdOn }) => createdOn <= until && (!guids || guids.includes(guid)),
    );
    const at = (cursor: string) => nodes.findIndex(({ guid }) => guid === cursor);
    let [from, to] = [0, nodes.length];
    if ("first" in span) {
      from = span.after ? at(span.after) + 1 : 0;
      to = Math.min(from + span.first, nodes.length);
    } else {
      to = span.before ? at(span.before) : nodes.length;
      from = Math.max(to - span.last, 0);
    }
    this.asked.push(`${from}..${to}`);
    return {
      edges: nodes.slice(from, to).map((node) => ({ cursor: node.guid, node })),
      pageInfo: { hasNextPage: to < nodes.length, hasPreviousPage: from > 0 },
    };
  };

  count: Source["count"] = async (filter) => {
    const after = earliest(filter);
    return this.nodes.filter(({ createdOn }) => createdOn > after).length;
  };

  follow: Source["follow"] = (_asked, _after, onChange, onExpired) => {
    [this.tell, this.expire] = [onChange, onExpired];
    return () => {
      this.tell = undefined;
    };
  };

  create(number: number): void {
    this.nodes.unshift(fakeExecution(number));
    this.send({
      type: "CREATED",
      matches: true,
      guid: String(number),
      execution: fakeExecution(number),
    });
  }

  send(change: Omit<Change, "cursor">): void {
    this.events += 1;
    this.tell?.({ cursor: String(this.events), ...change });
  }

  forget(): void {
    this.expire?.();
  }
}

function latest(filter: Asked["filter"]): string {
  return filter?.and?.at(-1)?.createdOn?.lte ?? "9999";
}

function earliest(filter: Asked["filter"]): string {
  return filter?.and?.at(-1)?.createdOn?.gt ?? "0";
}

/** All executions, newest first. */
export const NEWEST_FIRST: Asked = { filter: null, orderBy: [] };

/** A list of so many executions, open from its beginning or from a place. */
export async function opened(count: number, asked = NEWEST_FIRST, place: Place | null = null) {
  const source = new FakeSource(count);
  const store = new ListStore(source);
  store.open(asked, place);
  await settle();
  return { source, store };
}

/** Let a tenth of a second of the fake clock pass, and all that is awaited by then. */
export async function settle() {
  await vi.advanceTimersByTimeAsync(100);
}

/** What a reader sees of the store, twenty rows at a time, from one index on. */
export async function look(store: ListStore, first: number) {
  let shift = store.get().window.shift;
  let seen = first;
  store.see(seen, seen + 20);
  for (let turns = 0; turns < 30; turns += 1) {
    await settle();
    const { window } = store.get();
    seen += window.shift - shift;
    shift = window.shift;
    store.see(seen, seen + 20);
  }
  const { window } = store.get();
  return window.rows.slice(seen - window.start, seen + 20 - window.start).map(({ guid }) => guid);
}

/** The guids of the rows that are loaded. */
export function guids(store: ListStore) {
  return store.get().window.rows.map(({ guid }) => guid);
}

/** The guid of the row that the reader is led to. */
export function targeted(store: ListStore) {
  const { target, window } = store.get();
  return window.rows[(target?.index ?? 0) - window.start]?.guid;
}

/** So many numbers of executions, newest first. */
export function numbers(from: number, count = 20) {
  return Array.from({ length: count }, (_, index) => String(from - index));
}
