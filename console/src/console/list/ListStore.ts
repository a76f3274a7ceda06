import { kindOf, Refused } from "../gateway";
import { Changes } from "./changes";
import type { Row } from "./row";
import { NOTHING, type Place, type Snapshot } from "./snapshot";
import { type Asked, type Page, rowsOf, type Source, type Span } from "./source";
import {
  appended,
  edgeCursor,
  EMPTY,
  endOf,
  entered,
  markBefore,
  PAGE,
  prepended,
  pulled,
  revisited,
  type Window,
} from "./window";

/** How far from the rows something is seen that is better loaded by itself. */
const FAR = 3 * PAGE;
/** How many rows before the end of the rows the next ones are asked for. */
const EARLY = 40;
const RETRIED_AFTER_MS = 5_000;

/** Rows that were found somewhere else in the list, at a position among all. */
interface Found {
  page: Page;
  position: number;
  hasAfter: boolean;
  isEnd: boolean;
}

/**
 * The rows of a list, of which there may be millions: pages around what is seen, by cursor in both
 * directions, and kept as they are by what is told of changes.
 */
export class ListStore {
  private readonly source: Source;
  private readonly listeners = new Set<() => void>();
  private snapshot = NOTHING;
  private changes: Changes | null = null;
  private asking = new AbortController();
  private seen = { first: 0, last: 0 };
  private isReading = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Source) {
    this.source = source;
  }

  get = (): Snapshot => this.snapshot;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Show other executions, from the beginning or from a place. */
  open(asked: Asked, place: Place | null = null): void {
    this.close();
    const window = this.snapshot.window.rows.length === 0 ? EMPTY : this.snapshot.window;
    this.set({ asked, isStarting: true, refusal: null, window });
    void this.start(asked, place);
  }

  /** End asking for anything and following changes. What is there stays. */
  close(): void {
    this.asking.abort();
    this.asking = new AbortController();
    this.changes?.end();
    this.changes = null;
    clearTimeout(this.retryTimer);
    this.set({ isLoading: false, isStarting: false });
  }

  /** Where the reader is, to open the list there again; null at its beginning. */
  place(): Place | null {
    const { window } = this.snapshot;
    const { first } = this.seen;
    if (first + window.lead === 0) return null;
    const above = { ...window, rows: window.rows.slice(0, Math.max(first - window.start, 0)) };
    const cursor = edgeCursor(above, "last");
    return cursor === null ? null : { cursor, position: window.lead + first };
  }

  /** Load anew what the reader sees, for the same question or for one that has replaced it. */
  reload(asked = this.snapshot.asked): void {
    if (asked) this.open(asked, this.place());
  }

  /** Ask again for what was refused. */
  again(): void {
    const { asked } = this.snapshot;
    clearTimeout(this.retryTimer);
    if (this.changes) {
      this.set({ refusal: null });
      this.load();
    } else if (asked && !this.snapshot.isStarting) {
      // What was said stays until there is something else to say.
      this.set({ isStarting: true });
      void this.start(asked, this.place());
    }
  }

  /** Say which indexes are seen; what is near is loaded. */
  see(first: number, last: number): void {
    this.seen = { first, last };
    this.load();
  }

  /** Which of the rows is the first one that is seen. */
  firstSeen(): number {
    return Math.max(0, this.seen.first - this.snapshot.window.start);
  }

  /** Say whether the reader would be disturbed by rows that come at the top. */
  setReading(isReading: boolean): void {
    this.isReading = isReading;
    this.changes?.setReading(isReading);
  }

  /** Go to the first row. What is new comes with it. */
  toStart(): void {
    const { window, asked } = this.snapshot;
    const isThere = window.start + window.lead === 0 && !window.hasBefore;
    if (isThere && this.changes?.showFresh()) this.goTo({}, 0);
    else if (asked) this.open(asked);
  }

  /** Go to the last row. */
  toEnd(): void {
    const { window } = this.snapshot;
    if (!window.hasAfter) return this.goTo({}, endOf(window) - 1);
    void this.replace(async (asked, signal) => {
      const page = await this.source.page(asked, { last: PAGE }, signal);
      const total = this.snapshot.total ?? 0;
      return { page, position: total - page.edges.length, hasAfter: false, isEnd: true };
    });
  }

  /** Go to the first row that was created at an instant, or next to it in the list's order. */
  jump(instant: Date, isNewestFirst: boolean): void {
    const at = instant.toISOString();
    void this.replace(async ({ filter, orderBy }, signal) => {
      const and = (createdOn: object) => ({ and: [...(filter ? [filter] : []), { createdOn }] });
      const [page, position] = await Promise.all([
        this.source.page(
          { filter: and(isNewestFirst ? { lte: at } : { gte: at }), orderBy },
          { first: PAGE },
          signal,
        ),
        this.source.count(and(isNewestFirst ? { gt: at } : { lt: at }), signal),
      ]);
      return { page, position, hasAfter: page.pageInfo.hasNextPage, isEnd: false };
    });
  }

  private async start(asked: Asked, place: Place | null): Promise<void> {
    const { signal } = this.asking;
    const after = place?.cursor ?? null;
    try {
      const started = await this.source.start(asked, { first: PAGE, after }, signal);
      if (signal.aborted) return;
      const { page, total, eventCursor } = started;
      // All that came after the place is gone.
      if (place && page.edges.length === 0 && total > 0) return await this.start(asked, null);
      const window = entered(this.snapshot.window, rowsOf(page), place?.position ?? 0, {
        hasBefore: after !== null,
        hasAfter: page.pageInfo.hasNextPage,
      });
      this.goTo({ window, total, isStarting: false, refusal: null, fresh: 0 }, window.start);
      this.follow(asked, eventCursor);
      this.load();
    } catch (error) {
      // A gateway of another version may not know its own cursor again.
      if (place && kindOf(error) === "input") return await this.start(asked, null);
      this.fail(error, signal);
    }
  }

  private follow(asked: Asked, eventCursor: string): void {
    const { signal } = this.asking;
    const changes = new Changes(asked, {
      get: () => this.snapshot,
      set: (counted) => this.set(counted),
      count: () => this.source.count(asked.filter, signal),
    });
    changes.setReading(this.isReading);
    const stop = this.source.follow(
      asked,
      eventCursor,
      (change) => changes.note(change),
      () => this.reload(),
    );
    changes.onEnd(stop);
    this.changes = changes;
  }

  /** Load what is nearest to what is seen, one page after the other. */
  private load(): void {
    const { window, isLoading, isStarting, refusal } = this.snapshot;
    const { first, last } = this.seen;
    if (isLoading || isStarting || refusal || !this.changes || window.rows.length === 0) return;
    const [start, end] = [window.start, endOf(window)];
    if (window.hasBefore && first < start - FAR) return this.loadFar(first);
    if (window.hasAfter && last > end + FAR) return this.loadFar(first);
    if (window.hasBefore && first < start + EARLY) {
      const before = edgeCursor(window, "first");
      return void this.turn({ last: PAGE, before }, (now, rows, info) =>
        prepended(now, rows, info.hasPreviousPage),
      );
    }
    if (window.hasAfter && last > end - EARLY) {
      const after = edgeCursor(window, "last");
      return void this.turn({ first: PAGE, after }, (now, rows, info) =>
        appended(now, rows, info.hasNextPage),
      );
    }
  }

  private loadFar(index: number): void {
    const from = markBefore(this.snapshot.window, index);
    if (from === null) {
      // Nobody knows what is there: what is next to the rows comes to it.
      this.set({ window: pulled(this.snapshot.window, index) });
      return this.load();
    }
    const [start, after] = from === "beginning" ? [0, null] : [from.index, from.cursor];
    void this.turn({ first: PAGE, after }, (now, rows, info) =>
      revisited(now, rows, start, info.hasNextPage),
    );
  }

  private turn(
    span: Span,
    merge: (window: Window, rows: readonly Row[], info: Page["pageInfo"]) => Window,
  ): Promise<void> {
    return this.ask(
      (asked, signal) => this.source.page(asked, span, signal),
      (page) => {
        const rows = this.changes?.brought(rowsOf(page)) ?? [];
        this.set({ isLoading: false, window: merge(this.snapshot.window, rows, page.pageInfo) });
      },
    );
  }

  /** Put other rows of the same list in the place of the ones that are there. */
  private replace(find: (asked: Asked, signal: AbortSignal) => Promise<Found>): Promise<void> {
    return this.ask(find, ({ page, position, hasAfter, isEnd }) => {
      this.set({ isLoading: false });
      if (page.edges.length === 0) return this.toEnd();
      const rows = this.changes?.brought(rowsOf(page)) ?? [];
      const hasBefore = position > 0;
      const window = entered(this.snapshot.window, rows, position, { hasBefore, hasAfter });
      this.goTo({ window }, isEnd ? endOf(window) - 1 : window.start);
    });
  }

  /** Ask for rows of the list, one thing at a time, and go on with what is seen then. */
  private async ask<Answer>(
    find: (asked: Asked, signal: AbortSignal) => Promise<Answer>,
    use: (answer: Answer) => void,
  ): Promise<void> {
    const { asked } = this.snapshot;
    if (!asked || !this.changes) return;
    const { signal } = this.asking;
    this.set({ isLoading: true, refusal: null });
    this.changes.remember();
    try {
      const answer = await find(asked, signal);
      if (signal.aborted) return;
      use(answer);
      this.load();
    } catch (error) {
      this.fail(error, signal);
    }
  }

  private fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (!(error instanceof Refused)) throw error;
    const { refusal } = error;
    this.set({ isLoading: false, isStarting: false, refusal });
    if (refusal.kind === "away") this.retryTimer = setTimeout(() => this.again(), RETRIED_AFTER_MS);
  }

  private goTo(changed: Partial<Snapshot>, index: number): void {
    this.set({ ...changed, target: { index } });
    this.seen = { first: index, last: index };
  }

  private set(changed: Partial<Snapshot>): void {
    // Whoever scrolls moves with the space, but only after this.
    const by = changed.window ? changed.window.shift - this.snapshot.window.shift : 0;
    this.seen = { first: this.seen.first + by, last: this.seen.last + by };
    this.snapshot = { ...this.snapshot, ...changed };
    for (const listener of this.listeners) listener();
  }
}
