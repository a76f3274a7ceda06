import { Refused } from "./refusals";

/** How much is asked for at once: less from when the gateway has said that it is too much. */
export class Amount {
  private most: number;
  private readonly least: number;

  constructor(most: number, least = 1) {
    this.most = most;
    this.least = least;
  }

  get now(): number {
    return this.most;
  }

  /** Ask for half as much from now on; false if that would be too little to be of use. */
  halve(): boolean {
    if (this.most <= this.least) return false;
    this.most = Math.max(this.least, Math.floor(this.most / 2));
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
