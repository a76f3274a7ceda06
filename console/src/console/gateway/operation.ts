import type { TypedDocumentNode } from "@urql/core";
import type { Kind } from "graphql/language/kinds";

import type { TypedDocumentString } from "../generated/graphql";

/** An operation as `graphql(…)` makes it: the hash of its text, and the types of what it is about. */
export type Operation<Result, Variables> = TypedDocumentString<Result, Variables>;

/** The variables of some operation, by their names. */
export type Variables = Record<string, unknown>;

/** What urql sends for an operation: its id alone, since the gateway has the text. */
export function byId<Result, Given extends Variables>(
  operation: Operation<Result, Given>,
): TypedDocumentNode<Result, Given> {
  return {
    kind: "Document" as Kind.DOCUMENT,
    definitions: [],
    documentId: idOf(operation),
  } as TypedDocumentNode<Result, Given>;
}

/** The id by which the gateway knows an operation. */
export function idOf(operation: Operation<unknown, never>): string {
  const id: unknown = operation.__meta__?.hash;
  if (typeof id !== "string") throw new Error("This is no operation, or the build left out its id");
  return id;
}
