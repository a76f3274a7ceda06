import type { Row } from "./row";

const MOST_HELD = 200;

/** What came while the reader was not to be disturbed. */
export class Fresh {
  private readonly held = new Map<string, Row>();
  private others = 0;

  get count(): number {
    return this.held.size + this.others;
  }

  /** The rows, if all of them are at hand; else the list has to be loaded anew. */
  get rows(): readonly Row[] | null {
    return this.others === 0 ? [...this.held.values()] : null;
  }

  add(row: Row): void {
    if (this.held.has(row.guid) || this.held.size < MOST_HELD) this.held.set(row.guid, row);
    else this.others += 1;
  }

  has(guid: string): boolean {
    return this.held.has(guid);
  }

  remove(guid: string): void {
    this.held.delete(guid);
  }

  clear(): void {
    this.held.clear();
    this.others = 0;
  }
}
