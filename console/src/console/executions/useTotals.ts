import { graphql } from "../generated/gql";
import type { ExecutionFilter } from "../generated/graphql";
import { useQuery } from "../gateway";

/** How many filters can be counted by at once. */
export const MOST = 8;

const EACH_TOTAL = graphql(`
  query EachTotal(
    $a: ExecutionFilter
    $b: ExecutionFilter
    $c: ExecutionFilter
    $d: ExecutionFilter
    $e: ExecutionFilter
    $f: ExecutionFilter
    $g: ExecutionFilter
    $h: ExecutionFilter
    $hasB: Boolean!
    $hasC: Boolean!
    $hasD: Boolean!
    $hasE: Boolean!
    $hasF: Boolean!
    $hasG: Boolean!
    $hasH: Boolean!
  ) {
    a: executions(filter: $a) {
      totalCount
    }
    b: executions(filter: $b) @include(if: $hasB) {
      totalCount
    }
    c: executions(filter: $c) @include(if: $hasC) {
      totalCount
    }
    d: executions(filter: $d) @include(if: $hasD) {
      totalCount
    }
    e: executions(filter: $e) @include(if: $hasE) {
      totalCount
    }
    f: executions(filter: $f) @include(if: $hasF) {
      totalCount
    }
    g: executions(filter: $g) @include(if: $hasG) {
      totalCount
    }
    h: executions(filter: $h) @include(if: $hasH) {
      totalCount
    }
  }
`);

/** How many executions each of some filters finds, of the first ones; null until it is known. */
export function useTotals(
  filters: readonly (ExecutionFilter | null)[],
  isWanted: boolean,
): readonly number[] | null {
  const pause = !isWanted || filters.length === 0;
  const { data, isLoading } = useQuery(EACH_TOTAL, variablesOf(filters), { pause });
  // What is there may be of other filters.
  if (pause || isLoading || !data) return null;
  const { a, b, c, d, e, f, g, h } = data;
  return [a, b, c, d, e, f, g, h].flatMap((each) => each?.totalCount ?? []);
}

function variablesOf(filters: readonly (ExecutionFilter | null)[]) {
  const filterAt = (index: number) => filters[index] ?? null;
  const has = (index: number) => index < filters.length;
  return {
    a: filterAt(0),
    b: filterAt(1),
    c: filterAt(2),
    d: filterAt(3),
    e: filterAt(4),
    f: filterAt(5),
    g: filterAt(6),
    h: filterAt(7),
    hasB: has(1),
    hasC: has(2),
    hasD: has(3),
    hasE: has(4),
    hasF: has(5),
    hasG: has(6),
    hasH: has(7),
  };
}
