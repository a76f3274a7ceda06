import type { ExecutionFilter } from "../generated/graphql";
import type { Row } from "./row";
import { type Asked, type Page, rowsOf, type Source } from "./source";
import { PAGE } from "./window";

/** Rows that were found somewhere else in the list, at a position among all. */
export interface Found {
  page: Page;
  position: number;
  hasAfter: boolean;
  isEnd: boolean;
}

/** The last rows of a list of so many. */
export async function lastOf(
  source: Source,
  asked: Asked,
  total: number,
  signal: AbortSignal,
): Promise<Found> {
  const page = await source.page(asked, { last: PAGE }, signal);
  return { page, position: total - page.edges.length, hasAfter: false, isEnd: true };
}

/** The rows from the first one on that was created at an instant, or next to it in the order. */
export async function createdAt(
  source: Source,
  { filter, orderBy }: Asked,
  instant: Date,
  isNewestFirst: boolean,
  signal: AbortSignal,
): Promise<Found> {
  const at = instant.toISOString();
  const and = (createdOn: ExecutionFilter["createdOn"]) => ({
    and: [...(filter ? [filter] : []), { createdOn }],
  });
  const [page, position] = await Promise.all([
    source.page(
      { filter: and(isNewestFirst ? { lte: at } : { gte: at }), orderBy },
      { first: PAGE },
      signal,
    ),
    source.count(and(isNewestFirst ? { gt: at } : { lt: at }), signal),
  ]);
  return { page, position, hasAfter: page.pageInfo.hasNextPage, isEnd: false };
}

/** Rows by their guids, those that are still there, with the cursors that events don't have. */
export async function withCursors(
  source: Source,
  { orderBy }: Asked,
  guids: readonly string[],
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const filter = { guid: { in: [...guids] } };
  return rowsOf(await source.page({ filter, orderBy }, { first: guids.length }, signal));
}
