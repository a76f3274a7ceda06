import { kindOf, observable, Refused } from "../gateway";
import { Changes } from "./changes";
import { createdAt, type Found, lastOf, withCursors } from "./finding";
import { placeAt, placeThatStays } from "./place";
import type { Row } from "./row";
import { INITIAL, type Place, type Snapshot } from "./snapshot";
import { type Asked, type Change, type Page, rowsOf, type Source, type Span } from "./source";
import {
  type Edge,
  edgeOf,
  EMPTY,
  endOf,
  entered,
  extended,
  located,
  markBefore,
  missingFor,
  PAGE,
  pulled,
  revisited,
  type Window,
} from "./window";

const RETRIED_AFTER_MS = 5_000;

/**
 * The rows of a list, of which there may be millions: pages around what is seen, by cursor in both
 * directions, and kept as they are by what is told of changes.
 */
export class ListStore {
  private readonly source: Source;
  private readonly shown = observable(INITIAL);
  private changes: Changes | null = null;
  private asking = new AbortController();
  private asks = 0;
  private seen = { first: 0, last: 0 };
  private isReading = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Source) {
    this.source = source;
  }

  readonly get = this.shown.get;
  readonly subscribe = this.shown.subscribe;

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
    return placeAt(this.snapshot.window, this.seen.first);
  }

  /** Load anew what the reader sees, for the same question or for one that has replaced it. */
  reload(asked = this.snapshot.asked): void {
    if (asked) this.open(asked, this.place());
  }

  /** Load anew what the reader sees, where nothing may move. */
  private refresh(): void {
    const { asked, window } = this.snapshot;
    const place = this.isReading ? placeThatStays(window, this.seen.first) : this.place();
    if (asked) this.open(asked, place);
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
    void this.replace((asked, signal) =>
      lastOf(this.source, asked, this.snapshot.total ?? 0, signal),
    );
  }

  /** Go to the first row that was created at an instant, or next to it in the list's order. */
  jump(instant: Date, isNewestFirst: boolean): void {
    void this.replace((asked, signal) =>
      createdAt(this.source, asked, instant, isNewestFirst, signal),
    );
  }

  private async start(asked: Asked, place: Place | null): Promise<void> {
    const { signal } = this.asking;
    try {
      const after = place && (place.cursor ?? (await this.cursorOf(asked, place.guid)));
      const started = await this.source.start(asked, { first: PAGE, after }, signal);
      if (signal.aborted) return;
      const { page, total, eventCursor } = started;
      const [rows, hasAfter] = [rowsOf(page), page.pageInfo.hasNextPage];
      // All that came after the place is gone.
      if (place && rows.length === 0 && total > 0) return await this.start(asked, null);
      const begun = { total, isStarting: false, refusal: null, fresh: 0 };
      const former = this.snapshot.window;
      if (after !== null && place?.index !== undefined) {
        this.set({ ...begun, window: revisited(former, rows, place.index, hasAfter) });
      } else {
        const position = after === null ? 0 : (place?.position ?? 0);
        const window = entered(former, rows, position, { hasBefore: after !== null, hasAfter });
        this.goTo({ ...begun, window }, window.start);
      }
      this.follow(asked, eventCursor);
      this.load();
    } catch (error) {
      if (signal.aborted) return;
      // A gateway of another version may not know its own cursor again.
      if (place && kindOf(error) === "input") return await this.start(asked, null);
      this.fail(error);
    }
  }

  private async cursorOf(asked: Asked, guid: string): Promise<string | null> {
    const [row] = await withCursors(this.source, asked, [guid], this.asking.signal);
    return row?.cursor ?? null;
  }

  private follow(asked: Asked, eventCursor: string): void {
    const { signal } = this.asking;
    const changes = new Changes(asked, {
      get: () => this.snapshot,
      set: (counted) => this.set(counted),
      count: () => this.source.count(asked.filter, signal),
      restart: () => this.open(asked),
    });
    changes.setReading(this.isReading);
    const note = (change: Change) => changes.note(change);
    changes.onEnd(this.source.follow(asked, eventCursor, note, () => this.refresh()));
    this.changes = changes;
  }

  /** Load what is nearest to what is seen, one page after the other. */
  private load(): void {
    const { window, isLoading, isStarting, refusal } = this.snapshot;
    if (isLoading || isStarting || refusal || !this.changes) return;
    const missing = missingFor(window, this.seen);
    if (missing === "elsewhere") this.loadFar(this.seen.first);
    else if (missing) this.extend(missing);
  }

  private extend(edge: Edge): void {
    const near = edgeOf(this.snapshot.window, edge);
    const cursor = near.find((row) => row.cursor)?.cursor;
    if (!cursor) return this.locate(near);
    const span = edge === "first" ? { last: PAGE, before: cursor } : { first: PAGE, after: cursor };
    void this.turn(span, (now, rows, info) => extended(now, edge, rows, info));
  }

  /** Ask where rows are in the order, which came by events. */
  private locate(rows: readonly Row[]): void {
    const guids = rows.map(({ guid }) => guid);
    void this.ask(
      (asked, signal) => withCursors(this.source, asked, guids, signal),
      (found) => {
        this.set({ isLoading: false, window: located(this.snapshot.window, found) });
        if (found.length === 0) this.reload();
      },
    );
  }

  private loadFar(index: number): void {
    const { window } = this.snapshot;
    const from = markBefore(window, index);
    if (from === null) {
      // Nobody knows what is there: what is next to the rows comes to it.
      this.set({ window: pulled(window, index) });
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
    const ask = (this.asks += 1);
    // Whoever leaps does not wait for the page that was on its way, which is of another place.
    const isOver = () => signal.aborted || ask !== this.asks;
    this.set({ isLoading: true, refusal: null });
    this.changes.remember();
    try {
      const answer = await find(asked, signal);
      if (isOver()) return;
      use(answer);
      this.changes?.forget();
      this.load();
    } catch (error) {
      if (!isOver()) this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    const { refusal } = error;
    this.changes?.forget();
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
    this.shown.set({ ...this.snapshot, ...changed });
  }

  private get snapshot(): Snapshot {
    return this.shown.get();
  }
}
