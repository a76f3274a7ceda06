import type { ExportedFragment } from "../generated/graphql";
import { Amount, MOST_AT_ONCE, Refused } from "../gateway";
import { type Format, headOf, linesOf } from "./rows";

/** How long to wait before asking again a gateway that did not answer. */
const WAITS_MS = [500, 2_000, 5_000, 10_000];

/** A page of executions. */
export interface ExportedPage {
  rows: readonly ExportedFragment[];
  /** Where to go on; null at the end. */
  cursor: string | null;
}

/**
 * In which order executions are written. That of a list is kept where nothing can move in it while
 * it is read: what moves to another page would be missed, or written twice.
 */
export type FileOrder = "list" | "creation";

/** Which executions a page has: the first ones after a place. */
export interface ExportedSpan {
  order: FileOrder;
  first: number;
  after: string | null;
}

/** Where an export comes from, and goes to. */
export interface Ends {
  page(span: ExportedSpan, signal: AbortSignal): Promise<ExportedPage>;
  write(text: string): Promise<void>;
  /** Says how many executions are written. */
  progress(written: number): void;
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/**
 * Writes all executions of a list, page by page, so that neither of them has to be held at once.
 * After an error, `run` goes on where it was.
 */
export class Export {
  private readonly format: Format;
  private readonly ends: Ends;
  private readonly isStill: boolean;
  private readonly size = new Amount(MOST_AT_ONCE);
  private order: FileOrder = "list";
  private cursor: string | null = null;
  private written = 0;
  private hasBegun = false;
  private hasAll = false;

  /** `isStill` says that executions keep their places in the order of the list. */
  constructor(format: Format, ends: Ends, isStill: boolean) {
    this.format = format;
    this.ends = ends;
    this.isStill = isStill;
  }

  /** Write what there is. Rejects with Refused, with an error of the file, or when it is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.hasBegun) await this.ends.write(headOf(this.format));
    this.hasBegun = true;
    while (!this.hasAll) {
      const { rows, cursor } = await this.next(signal);
      signal.throwIfAborted();
      if (rows.length > 0) await this.ends.write(linesOf(this.format, rows));
      this.written += rows.length;
      this.ends.progress(this.written);
      this.cursor = cursor;
      this.hasAll = cursor === null;
    }
  }

  private async next(signal: AbortSignal): Promise<ExportedPage> {
    const page = await this.page(signal);
    if (this.isStill || this.order === "creation" || page.cursor === null) return page;
    // One page is of one moment; several are not.
    this.order = "creation";
    return this.page(signal);
  }

  private async page(signal: AbortSignal): Promise<ExportedPage> {
    for (let failures = 0; ;) {
      try {
        const span = { order: this.order, first: this.size.now, after: this.cursor };
        return await this.ends.page(span, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof Refused)) throw error;
        const { kind } = error.refusal;
        const wait = WAITS_MS[failures];
        if (kind === "away" && wait !== undefined) {
          failures += 1;
          await this.ends.wait(wait, signal);
        } else if ((kind !== "input" && kind !== "failure") || !this.size.halve()) {
          // Else the page may have been larger than the gateway allows.
          throw error;
        }
      }
    }
  }
}

/** Wait, unless it is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
