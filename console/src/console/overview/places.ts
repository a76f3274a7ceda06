/**
 * Puts what a list has now in the places that its rows had before, so that none of them moves. What
 * is new takes the places of what is gone, in the order that it has.
 */
export function inPlaces<T>(
  before: readonly string[],
  now: readonly T[],
  keyOf: (item: T) => string,
): readonly T[] {
  const known = new Set(before);
  const kept = new Map(now.map((item) => [keyOf(item), item]));
  const others = now.filter((item) => !known.has(keyOf(item)));
  const placed = before.flatMap((key) => kept.get(key) ?? others.shift() ?? []);
  return [...placed, ...others];
}
