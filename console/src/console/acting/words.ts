import type { Formats } from "../time";

/** A number of executions, in words. */
export function executions(count: number, { number }: Pick<Formats, "number">): string {
  return `${number(count)} ${count === 1 ? "execution" : "executions"}`;
}

/** The verb that goes with a number. */
export function are(count: number): string {
  return count === 1 ? "is" : "are";
}
