import { type Key, type Parsed, printTerm, type Term } from "./language";

/** The first term with a key, which is the one that a menu is about; null if there is none. */
export function termAbout({ parts }: Parsed, key: Key): Term | null {
  return parts.find(({ term }) => term?.key === key)?.term ?? null;
}

/**
 * The text with another term in the place of the first one with a key: after all others if there
 * was none; with null, without it. The rest stays as it was typed, even where it has problems.
 */
export function withTerm(text: string, { parts }: Parsed, key: Key, term: Term | null): string {
  const before = parts.find((part) => part.term?.key === key);
  const written = term && term.values.length > 0 ? printTerm(term) : "";
  if (!before) return [text.trim(), written].filter(Boolean).join(" ");
  const [head, tail] = [text.slice(0, before.from), text.slice(before.to)];
  return `${head}${written}${written === "" ? tail.trimStart() : tail}`.trim();
}

/** The text with the beginning of another term after it, for whoever goes on to type. */
export function withBeginning(text: string, beginning: string): string {
  return [text.trim(), beginning].filter(Boolean).join(" ");
}
