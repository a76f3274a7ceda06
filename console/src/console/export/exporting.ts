import type { ExportedFragment } from "../generated/graphql";
import { Refused } from "../gateway";
import { type Format, headOf, linesOf } from "./rows";

const LARGEST_PAGE = 1000;
/** Some gateways allow less; none allows less than this, or nothing would work with it. */
const SMALLEST_PAGE = 25;
/** How long to wait before asking again a gateway that did not answer. */
const WAITS_MS = [500, 2_000, 5_000, 10_000];

/** A page of executions. */
export interface ExportedPage {
  rows: readonly ExportedFragment[];
  /** Where to go on; null at the end. */
  cursor: string | null;
}

/** Where an export comes from, and goes to. */
export interface Ends {
  page(first: number, after: string | null, signal: AbortSignal): Promise<ExportedPage>;
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
  private size = LARGEST_PAGE;
  private cursor: string | null = null;
  private written = 0;
  private hasBegun = false;

  constructor(format: Format, ends: Ends) {
    this.format = format;
    this.ends = ends;
  }

  /** Write what there is. Rejects with Refused, with an error of the file, or when it is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.hasBegun) await this.ends.write(headOf(this.format));
    this.hasBegun = true;
    for (;;) {
      const { rows, cursor } = await this.page(signal);
      signal.throwIfAborted();
      if (rows.length > 0) await this.ends.write(linesOf(this.format, rows));
      this.written += rows.length;
      this.ends.progress(this.written);
      if (cursor === null) return;
      this.cursor = cursor;
    }
  }

  private async page(signal: AbortSignal): Promise<ExportedPage> {
    for (let failures = 0; ;) {
      try {
        return await this.ends.page(this.size, this.cursor, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof Refused)) throw error;
        const { kind } = error.refusal;
        const wait = WAITS_MS[failures];
        if (kind === "away" && wait !== undefined) {
          failures += 1;
          await this.ends.wait(wait, signal);
        } else if ((kind === "input" || kind === "failure") && this.size > SMALLEST_PAGE) {
          // The page may be larger than the gateway allows.
          this.size = Math.max(SMALLEST_PAGE, Math.floor(this.size / 2));
        } else {
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
