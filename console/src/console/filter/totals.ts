import { graphql } from "../generated/gql";

/** How many executions match each of up to eight filters; the first of them is always asked for. */
export const TOTALS = graphql(`
  query TotalsWithout(
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
