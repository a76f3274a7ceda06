import type { Row } from "./row";

/** How many rows are at hand to be shown. */
const MOST_HELD = 1_000;
/** How many are counted. Beyond this, guids are not recorded and the count stands still. */
export const MOST_COUNTED = 100_000;

/** What came while the reader was not to be disturbed. */
export class Fresh {
  private readonly held = new Map<string, Row>();
  private readonly others = new Set<string>();

  get count(): number {
    return this.held.size + this.others.size;
  }

  get isFull(): boolean {
    return this.count >= MOST_COUNTED;
  }

  /** The rows, if all of them are at hand; else the list has to be loaded anew. */
  get rows(): readonly Row[] | null {
    return this.others.size === 0 ? [...this.held.values()] : null;
  }

  add(row: Row): void {
    const { guid } = row;
    if (this.held.has(guid)) this.held.set(guid, row);
    else if (this.others.has(guid) || this.isFull) return;
    else if (this.held.size < MOST_HELD) this.held.set(guid, row);
    else this.others.add(guid);
  }

  has(guid: string): boolean {
    return this.held.has(guid) || this.others.has(guid);
  }

  remove(guid: string): void {
    this.held.delete(guid);
    this.others.delete(guid);
  }

  clear(): void {
    this.held.clear();
    this.others.clear();
  }
}
