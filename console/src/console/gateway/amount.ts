import { Refused } from "./refusals";

/** How much is asked for at once where people don't wait for each part of it. */
export const MOST_AT_ONCE = 1_000;
/** A gateway can be set up to take no more than this (`GATEWAY_MAX_PAGE_SIZE`, `GATEWAY_MAX_IDS`). */
const LEAST_AT_ONCE = 1;

/** How much is asked for at once: less from when the gateway has said that it is too much. */
export class Amount {
  private most: number;

  constructor(most: number) {
    this.most = most;
  }

  get now(): number {
    return this.most;
  }

  /** Ask for half as much from now on; false if it can't be less. */
  halve(): boolean {
    if (this.most <= LEAST_AT_ONCE) return false;
    this.most = Math.max(LEAST_AT_ONCE, Math.floor(this.most / 2));
    return true;
  }

  /** Ask for as much as the gateway takes at once. Settings say how much, and it tells nobody. */
  async ask<Answer>(ask: (amount: number) => Promise<Answer>): Promise<Answer> {
    const before = this.most;
    for (;;) {
      try {
        return await ask(this.most);
      } catch (error) {
        const isTooMuch = error instanceof Refused && error.refusal.kind === "input";
        if (isTooMuch && this.halve()) continue;
        // What is refused however little it is was not too much.
        this.most = before;
        throw error;
      }
    }
  }
}
