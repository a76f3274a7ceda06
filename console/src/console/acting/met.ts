import type { ExecutionFilter, MetFragment } from "../generated/graphql";
import type { Acts, Page } from "./acts";

/** How executions are looked for. */
export interface Looking {
  signal?: AbortSignal | undefined;
  /** Says how many are found. */
  onFound?(count: number): void;
}

/** All executions that match a filter, as they are now. */
export async function allThatMatch(
  filter: ExecutionFilter,
  acts: Acts,
  { signal, onFound }: Looking = {},
): Promise<MetFragment[]> {
  const found: MetFragment[] = [];
  let cursor: string | null = null;
  do {
    const after: string | null = cursor;
    const page: Page = await acts.rowsAtOnce.ask((most) => acts.page(filter, most, after, signal));
    signal?.throwIfAborted();
    found.push(...page.rows);
    onFound?.(found.length);
    cursor = page.cursor;
  } while (cursor !== null);
  return found;
}

/** Those of some executions that are there, as they are now. */
export async function allOf(
  guids: readonly string[],
  acts: Acts,
  { signal, onFound }: Looking = {},
): Promise<MetFragment[]> {
  const found: MetFragment[] = [];
  for (let at = 0; at < guids.length; at += acts.guidsAtOnce.now) {
    const page = await acts.guidsAtOnce.ask((most) =>
      acts.page({ guid: { in: guids.slice(at, at + most) } }, most, null, signal),
    );
    signal?.throwIfAborted();
    found.push(...page.rows);
    onFound?.(found.length);
  }
  return found;
}
