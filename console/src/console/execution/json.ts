/** The place in a list, or the name in an object, and what is there. */
export type Entry = readonly [string | number, unknown];

/** What is in a list or an object; null if it is neither. */
export function entriesOf(value: unknown): readonly Entry[] | null {
  if (Array.isArray(value)) return value.map((each, index) => [index, each]);
  if (typeof value === "object" && value !== null) return Object.entries(value);
  return null;
}

/** Whether something of so many entries is open when it appears: what is small or outermost. */
export function opensAtFirst(count: number, depth: number): boolean {
  return depth === 0 || (depth < 3 && count <= 10);
}

/**
 * A name as it is shown: with quotation marks where without them it would not be seen as it is, and
 * what is not seen at all, or turns the direction of the rest, by its number.
 */
export function nameIn(name: string): string {
  const written = JSON.stringify(name).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, numbered);
  return /^"\S+"$/.test(written) && written.length === name.length + 2 ? name : written;
}

function numbered(character: string): string {
  const units = character.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return units.map((unit) => `\\u${unit}`).join("");
}

/** A number as near as the browser has it, and whether another one may have been written. */
export function numberIn(value: number): { nearest: number; isRounded: boolean } {
  if (!Number.isFinite(value)) {
    return { nearest: Math.sign(value) * Number.MAX_VALUE, isRounded: true };
  }
  return { nearest: value, isRounded: Number.isInteger(value) && !Number.isSafeInteger(value) };
}

/** A value as JSON, and whether other numbers may have been written where they are large. */
export function jsonOf(value: unknown): { text: string; isRounded: boolean } {
  let isAnyRounded = false;
  const kept = (_: string, each: unknown) => {
    if (typeof each !== "number") return each;
    const { nearest, isRounded } = numberIn(each);
    isAnyRounded ||= isRounded;
    return nearest;
  };
  const text = JSON.stringify(value, kept, 2);
  return { text, isRounded: isAnyRounded };
}
