/** The verb that goes with a number. */
export function are(count: number): string {
  return count === 1 ? "is" : "are";
}

/** Why nothing is done while all that match are about to be selected. */
export const SELECTING = "All that match are being counted";
