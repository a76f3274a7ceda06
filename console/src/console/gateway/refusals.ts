import { type Refusal as KeyRefusal, refusalIn } from "../../shared/access";

/** What kept the gateway from doing what it was asked for. */
export type RefusalKind =
  /** No key, or one that opens nothing. */
  | "key"
  /** The key lacks a scope. */
  | "scope"
  /** The gateway, or its database, does not answer just now; trying again may help. */
  | "away"
  /** The page was built for another version of the gateway. */
  | "outdated"
  /** What was asked for is wrong, or too much. */
  | "input"
  /** The gateway failed. */
  | "failure";

/** Why something was not done, in words for a person. */
export interface Refusal extends KeyRefusal {
  kind: RefusalKind;
}

/** Thrown by what asks the gateway, in place of an answer. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`${refusal.title} ${refusal.detail}`);
    this.refusal = refusal;
  }
}

/** What kind of refusal an error is; null if it is none. */
export function kindOf(error: unknown): RefusalKind | null {
  return error instanceof Refused ? error.refusal.kind : null;
}

/** A GraphQL error, as far as it matters here. */
export interface ErrorLike {
  message: string;
  extensions?: { code?: unknown };
}

interface Answer {
  /** The status of the response; undefined if there was none. */
  status: number | undefined;
  errors: readonly ErrorLike[];
  hasKey: boolean;
}

/** Say in words why an answer has no data. */
export function refusalOf({ status, errors, hasKey }: Answer): Refusal {
  if (status === undefined && errors.length === 0) return UNREACHABLE;
  const byKey = refusalIn(status ?? 200, { errors }, hasKey);
  if (byKey) return { kind: byKey.needsKey ? "key" : "scope", ...byKey };
  const [error] = errors;
  const code = error?.extensions?.code;
  if (typeof code === "string" && code.startsWith("PERSISTED_QUERY")) return OUTDATED;
  if (code === "SERVICE_UNAVAILABLE" || isGatewayTimeout(status)) {
    return said("away", "The gateway can’t answer just now.", error?.message ?? TRY_AGAIN);
  }
  if (NOT_ACCEPTED.has(code) || status === 400 || status === 413) {
    return said("input", "The gateway does not accept this.", error?.message ?? "");
  }
  return said("failure", "The gateway failed.", error?.message ?? `It answered ${status}.`);
}

const NOT_ACCEPTED = new Set<unknown>([
  "BAD_USER_INPUT",
  "GRAPHQL_VALIDATION_FAILED",
  "OPERATION_TOO_COMPLEX",
]);

const TRY_AGAIN = "Its database or a proxy does not answer. Try again in a moment.";

const UNREACHABLE = said(
  "away",
  "The gateway can’t be reached.",
  "The network is down, or the gateway has ended. Nothing that you see here is lost.",
);

const OUTDATED = said(
  "outdated",
  "This page is of another version than the gateway.",
  "Load it again.",
);

function said(kind: RefusalKind, title: string, detail: string): Refusal {
  return { kind, needsKey: false, title, detail: sentence(detail) };
}

function sentence(text: string): string {
  return text === "" || /[.!?]$/.test(text) ? text : `${text}.`;
}

function isGatewayTimeout(status: number | undefined): boolean {
  return status === 502 || status === 503 || status === 504;
}
