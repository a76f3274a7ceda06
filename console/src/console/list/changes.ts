import { Fresh } from "./fresh";
import type { ExecutionOrderField, ListedFragment } from "../generated/graphql";
import type { Row } from "./row";
import type { Asked, Change } from "./source";
import { merged, type Window } from "./window";

/** Changes are shown together, this often. */
const TOGETHER_MS = 80;
/** As many don't wait: nobody looks at a page whose timers the browser holds back. */
const MOST_TOGETHER = 2_000;
const COUNTED_AFTER_MS = 3_000;
/** How long a row that came is shown as such. */
const ARRIVING_MS = 1_500;

// What executions are ordered by.
const KEYS: Record<ExecutionOrderField, (row: Row) => unknown> = {
  CREATED_ON: ({ createdOn }) => createdOn,
  UPDATED_ON: ({ updatedOn }) => updatedOn,
  // Rows have no time of their end; the duration changes whenever it does.
  FINISHED_ON: ({ durationMs }) => durationMs,
  DURATION: ({ durationMs }) => durationMs,
  STATE: ({ state }) => state,
  AGENTFLOW_ID: ({ agentflowId }) => agentflowId,
  SESSION_ID: ({ sessionId }) => sessionId,
};

/** What changes have an effect on. */
export interface Counted {
  window: Window;
  /** How many executions there are; null until it is known. */
  total: number | null;
  /** How many came, or in another order than that of creation changed, that are not shown. */
  fresh: number;
  /** The guids of rows that have just come. */
  arriving: ReadonlySet<string>;
}

interface Surroundings {
  get(): Counted;
  set(counted: Partial<Counted>): void;
  /** How many there are now. */
  count(): Promise<number>;
  /** Load the list anew from its beginning: more is new than is at hand. */
  restart(): void;
}

/** Brings what is told of changes into the rows. */
export class Changes {
  private readonly around: Surroundings;
  private readonly fresh = new Fresh();
  private readonly order: "newest first" | "oldest first" | "other";
  private readonly key: (row: Row) => unknown;
  private queue: Change[] = [];
  private remembered: Map<string, Change> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private arrivalTimer: ReturnType<typeof setTimeout> | undefined;
  private countTimer: ReturnType<typeof setTimeout> | undefined;
  private isReading = false;
  private stop: (() => void) | undefined;

  constructor(asked: Asked, around: Surroundings) {
    this.around = around;
    const [first] = asked.orderBy;
    const isByCreation = first === undefined || first.field === "CREATED_ON";
    const isDescending = (first?.direction ?? "DESC") === "DESC";
    this.key = KEYS[first?.field ?? "CREATED_ON"];
    this.order = !isByCreation ? "other" : isDescending ? "newest first" : "oldest first";
  }

  onEnd(stop: () => void): void {
    this.stop = stop;
  }

  end(): void {
    clearTimeout(this.timer);
    clearTimeout(this.arrivalTimer);
    clearTimeout(this.countTimer);
    this.stop?.();
  }

  note(change: Change): void {
    this.remembered?.set(change.guid, change);
    this.queue.push(change);
    if (this.queue.length >= MOST_TOGETHER) return this.bring();
    this.timer ??= setTimeout(() => this.bring(), TOGETHER_MS);
  }

  /** Remember changes from now on: they may be newer than a page that is being loaded. */
  remember(): void {
    this.remembered = new Map();
  }

  /** The rows of that page, as they are now. */
  brought(rows: readonly Row[]): readonly Row[] {
    const changes = this.remembered;
    this.remembered = null;
    const made = rows.map((row) => {
      const change = changes?.get(row.guid);
      this.fresh.remove(row.guid);
      return change && isNewer(change, row) ? changedBy(row, change) : row;
    });
    this.around.set({ fresh: this.fresh.count });
    return made;
  }

  setReading(isReading: boolean): void {
    this.isReading = isReading;
    this.showUnlessRead();
  }

  /** Forget what was remembered for a page that does not come. */
  forget(): void {
    this.remembered = null;
  }

  /** Put in what came, if all of it is at hand. */
  showFresh(): boolean {
    const { rows } = this.fresh;
    if (rows === null || this.order === "other") return this.fresh.count === 0;
    const { window } = this.around.get();
    if (rows.length > 0) {
      this.arrive(merged(window, rows), new Set(rows.map(({ guid }) => guid)));
    }
    return true;
  }

  private bring(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const changes = this.queue;
    this.queue = [];
    const { window, total } = this.around.get();
    const at = new Map(window.rows.map(({ guid }, index) => [guid, index]));
    const rows = [...window.rows];
    let [more, hasAfter] = [0, window.hasAfter];
    for (const change of changes) {
      const index = at.get(change.guid);
      const known = index === undefined ? undefined : rows[index];
      const now = known ? changedBy(known, change) : rowOf(change);
      if (known && now && index !== undefined) rows[index] = now;
      more += this.difference(change, known, window);
      if (!change.matches || !now) this.fresh.remove(change.guid);
      else if (this.isOutOfPlace(change, now, known, window)) this.fresh.add(now);
      else if (change.type === "CREATED" && this.order === "oldest first") hasAfter = true;
    }
    this.around.set({
      window: { ...window, rows, hasAfter },
      total: Math.max((total ?? 0) + more, 0),
      fresh: this.fresh.count,
    });
    this.showUnlessRead();
  }

  private showUnlessRead(): void {
    if (this.fresh.count === 0 || this.isReading || !this.canInsert()) return;
    if (!this.showFresh()) this.around.restart();
  }

  /** How many more, or less, match after a change. Sometimes only the gateway can tell. */
  private difference(
    { type, matches, guid, execution }: Change,
    known: Row | undefined,
    window: Window,
  ): number {
    const matched = known ? known.standing === "matches" : undefined;
    if (!matches) return matched === false ? 0 : -1;
    if (type === "CREATED" || matched === false) return 1;
    if (matched || this.fresh.has(guid)) return 0;
    const isNew = this.order === "newest first" && execution && isWithin(execution, window);
    if (isNew && !this.fresh.isFull) return 1;
    this.countAgain();
    return 0;
  }

  private countAgain(): void {
    this.countTimer ??= setTimeout(() => {
      this.countTimer = undefined;
      this.around.count().then(
        (total) => this.around.set({ total }),
        // It is only a number, and is asked for again after a later change.
        () => undefined,
      );
    }, COUNTED_AFTER_MS);
  }

  /** Whether an execution that matches is not shown where it belongs in the order. */
  private isOutOfPlace(change: Change, now: Row, known: Row | undefined, window: Window): boolean {
    if (this.order === "oldest first") return false;
    if (this.order === "other") return !known || this.key(known) !== this.key(now);
    if (known) return false;
    return isWithin(now, window) || (change.type === "CREATED" && isAbove(now, window));
  }

  private canInsert(): boolean {
    const { window } = this.around.get();
    return this.order === "newest first" && !window.hasBefore && window.lead === 0;
  }

  private arrive(window: Window, arriving: ReadonlySet<string>): void {
    this.fresh.clear();
    this.around.set({ window, fresh: 0, arriving });
    clearTimeout(this.arrivalTimer);
    this.arrivalTimer = setTimeout(() => this.around.set({ arriving: new Set() }), ARRIVING_MS);
  }
}

function rowOf({ execution }: Change): Row | null {
  return execution ? { ...execution, cursor: null, standing: "matches" } : null;
}

function changedBy(row: Row, { type, matches, execution }: Change): Row {
  const standing = type === "DELETED" ? "deleted" : matches ? "matches" : "left";
  return { ...row, ...execution, standing };
}

function isNewer({ type, execution }: Change, { updatedOn }: Row): boolean {
  if (type === "DELETED" || !execution) return true;
  return Date.parse(execution.updatedOn) >= Date.parse(updatedOn);
}

/** Whether a place, newest first, is between the rows, or next to the end that they have. */
function isWithin(row: ListedFragment, window: Window): boolean {
  const last = window.rows.at(-1);
  const isBelow = window.hasAfter && last && createdAt(row) < createdAt(last);
  return !isBelow && !(window.hasBefore && isAbove(row, window));
}

function isAbove(row: ListedFragment, { rows: [first] }: Window): boolean {
  return !first || createdAt(row) > createdAt(first);
}

function createdAt({ createdOn }: ListedFragment): number {
  return Date.parse(createdOn);
}
