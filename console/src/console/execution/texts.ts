/** How much of a text is shown at first. */
export const MOST_CHARACTERS = 1_000;

/** How much of a text is shown in a line, which has room for less. */
const MOST_IN_A_LINE = 200;

/** A text as it is shown in a line, with an ellipsis in the place of what is too much. */
export function inALine(text: string): string {
  const shown = beginningOf(text, MOST_IN_A_LINE);
  return shown === text ? text : `${shown}…`;
}

/** The beginning of a text, a number of pieces long, and how many characters are left. */
export function piecesOf(text: string, pieces: number): { shown: string; left: number } {
  const shown = beginningOf(text, pieces * MOST_CHARACTERS);
  return { shown, left: text.length - shown.length };
}

function beginningOf(text: string, length: number): string {
  // A pair of surrogates is one character.
  const isPair = /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(length - 1, length + 1));
  return text.slice(0, isPair ? length + 1 : length);
}
