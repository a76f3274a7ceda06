/** How a key is compared with its values. Doubled, upper and lower case differ. */
export type Operator = ":" | "=" | "::" | "==" | ">" | ">=" | "<" | "<=";

/** One of the values of a term, where it stands in the text. */
export interface Piece {
  text: string;
  isQuoted: boolean;
  /** Whether a `*` follows: what begins with this. */
  hasStar: boolean;
  from: number;
  to: number;
}

/** What is between spaces: `-flow:"Billing agent",other`, or a word without a key. */
export interface Token {
  from: number;
  to: number;
  isExcluded: boolean;
  key: string | null;
  operator: Operator;
  pieces: readonly Piece[];
  /** What keeps it from being read at all. */
  problem: Problem | null;
}

/** What can't be understood, and why, in a sentence for whoever typed it. */
export interface Problem {
  from: number;
  to: number;
  words: string;
}

/** Between two terms: one of them must hold. */
const OR = "OR";
const SPACES = /\s*/y;
const HEAD = /([\p{L}][\p{L}\d_-]*)(::|==|>=|<=|[:=<>])/uy;
const BARE = /[^\s,"]*/y;
const WORD = /[^\s"]*/y;
const REST = /\S*/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;

/** Split a text into its terms. Everything but the spaces between them is in one of the tokens. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = matched(SPACES, text, 0).to; at < text.length;) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = matched(SPACES, text, token.to).to;
  }
  return tokens;
}

/** Write a text in quotes, as it is read again. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Whether a text is read as a value of a key as it is, without quotes. */
export function isPlainValue(text: string): boolean {
  // The first letter could be taken for part of an operator, and the last one for a sign.
  if (text === "" || /^[:=]|\*$/.test(text)) return false;
  return matched(BARE, text, 0).to === text.length;
}

/** Whether a text is read as a word as it is, without quotes. */
export function isPlainWord(text: string): boolean {
  if (text === "" || text === OR || text.startsWith("-")) return false;
  if (matched(HEAD, text, 0).found) return false;
  return matched(WORD, text, 0).to === text.length;
}

/** Whether a token stands between alternatives. */
export function isOr({ isExcluded, key, pieces: [piece, ...more] }: Token): boolean {
  const isWord = key === null && !isExcluded && more.length === 0;
  return isWord && piece?.text === OR && !piece.isQuoted;
}

function tokenAt(text: string, from: number): Token {
  const isExcluded = text[from] === "-";
  const begin = isExcluded ? from + 1 : from;
  const head = matched(HEAD, text, begin);
  const [, key = "", operator = ":"] = head.found ?? [];
  const token = head.found
    ? valuesAt(text, head.to)
    : wordAt(text, begin, isExcluded ? "Say after the - what to exclude." : "");
  return {
    ...token,
    from,
    isExcluded,
    key: head.found ? key.toLowerCase() : null,
    operator: operator as Operator,
  };
}

type Values = Pick<Token, "to" | "pieces" | "problem">;

function valuesAt(text: string, from: number): Values {
  const pieces: Piece[] = [];
  let at = from;
  for (;;) {
    const piece = pieceAt(text, at, BARE);
    if (!piece) return unclosed(text, at, pieces);
    pieces.push(piece);
    at = piece.to;
    if (text[at] !== ",") return ended(text, at, pieces);
    at += 1;
  }
}

function wordAt(text: string, from: number, wordsIfEmpty: string): Values {
  const piece = pieceAt(text, from, WORD);
  if (!piece) return unclosed(text, from, []);
  if (piece.from === piece.to) {
    const problem = { from: from - 1, to: from, words: wordsIfEmpty };
    return { to: Math.max(piece.to, from), pieces: [], problem };
  }
  // A star is part of a word, which is found anywhere as it is.
  const word = piece.hasStar && !piece.isQuoted ? { ...piece, text: `${piece.text}*` } : piece;
  return ended(text, piece.to, [{ ...word, hasStar: piece.hasStar && piece.isQuoted }]);
}

function pieceAt(text: string, from: number, bare: RegExp): Piece | null {
  if (text[from] !== '"') {
    const { to } = matched(bare, text, from);
    const hasStar = text[to - 1] === "*" && to > from;
    return { text: text.slice(from, hasStar ? to - 1 : to), isQuoted: false, hasStar, from, to };
  }
  const { found, to } = matched(QUOTED, text, from);
  if (!found) return null;
  const hasStar = text[to] === "*";
  return {
    text: unescaped(found[1] ?? ""),
    isQuoted: true,
    hasStar,
    from,
    to: hasStar ? to + 1 : to,
  };
}

/** A backslash is one, unless it stands before a quotation mark or another backslash. */
function unescaped(text: string): string {
  return text.replace(/\\(["\\])/g, "$1");
}

function ended(text: string, at: number, pieces: readonly Piece[]): Values {
  const { to } = matched(REST, text, at);
  if (to === at) return { to, pieces, problem: null };
  const words =
    text[at] === '"'
      ? "Quotation marks go around the whole of a text."
      : "Put a space here, or quotation marks around all of it.";
  return { to, pieces, problem: { from: at, to, words } };
}

function unclosed(text: string, at: number, pieces: readonly Piece[]): Values {
  const words = "The quotation marks are not closed.";
  return { to: text.length, pieces, problem: { from: at, to: text.length, words } };
}

function matched(pattern: RegExp, text: string, at: number) {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return { found, to: found ? at + found[0].length : at };
}
