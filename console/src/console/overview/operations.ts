import { graphql } from "../generated/gql";

/** All that the overview shows, but for further layers of its timeline. */
export const OVERVIEW = graphql(`
  query Overview(
    $filter: ExecutionFilter
    $before: ExecutionFilter
    $failed: ExecutionFilter
    $running: ExecutionFilter
    $layer: ExecutionFilter
    $bucket: TimeBucket!
    $first: Int!
    $hasBefore: Boolean!
    $hasLayer: Boolean!
  ) {
    eventCursor
    stats: executionStats(filter: $filter) {
      totalCount
      byState {
        state
        count
      }
      ...OverviewTimeline
    }
    before: executionStats(filter: $before) @include(if: $hasBefore) {
      byState {
        state
        count
      }
    }
    failed: executionStats(filter: $failed) {
      byAgentflow(first: $first) {
        count
        agentflow {
          agentflowId
          name
          stats(filter: $filter) {
            totalCount
          }
        }
      }
    }
    running: executions(
      filter: $running
      orderBy: [{ field: CREATED_ON, direction: ASC }]
      first: $first
    ) {
      totalCount
      nodes {
        guid
        agentflowId
        agentflowName
        createdOn
      }
    }
    layer: executionStats(filter: $layer) @include(if: $hasLayer) {
      ...OverviewTimeline
    }
  }
`);

graphql(`
  fragment OverviewTimeline on ExecutionStats {
    timeline(bucket: $bucket) {
      start
      byState {
        state
        count
      }
    }
  }
`);

/** Where bars are shorter than buckets, as many more layers as an operation may have. */
export const LAYERS = graphql(`
  query OverviewLayers(
    $a: ExecutionFilter
    $b: ExecutionFilter
    $c: ExecutionFilter
    $d: ExecutionFilter
    $e: ExecutionFilter
    $f: ExecutionFilter
    $g: ExecutionFilter
    $h: ExecutionFilter
    $i: ExecutionFilter
    $j: ExecutionFilter
    $bucket: TimeBucket!
    $hasMore: Boolean!
  ) {
    a: executionStats(filter: $a) {
      ...OverviewTimeline
    }
    b: executionStats(filter: $b) {
      ...OverviewTimeline
    }
    c: executionStats(filter: $c) @include(if: $hasMore) {
      ...OverviewTimeline
    }
    d: executionStats(filter: $d) @include(if: $hasMore) {
      ...OverviewTimeline
    }
    e: executionStats(filter: $e) @include(if: $hasMore) {
      ...OverviewTimeline
    }
    f: executionStats(filter: $f) @include(if: $hasMore) {
      ...OverviewTimeline
    }
    g: executionStats(filter: $g) @include(if: $hasMore) {
      ...OverviewTimeline
    }
    h: executionStats(filter: $h) @include(if: $hasMore) {
      ...OverviewTimeline
    }
    i: executionStats(filter: $i) @include(if: $hasMore) {
      ...OverviewTimeline
    }
    j: executionStats(filter: $j) @include(if: $hasMore) {
      ...OverviewTimeline
    }
  }
`);

/** When the oldest execution was created. */
export const OLDEST = graphql(`
  query OverviewOldest($filter: ExecutionFilter) {
    executions(filter: $filter, orderBy: [{ field: CREATED_ON, direction: ASC }], first: 1) {
      nodes {
        createdOn
      }
    }
  }
`);

/** Whether there are executions at all. */
export const ANY = graphql(`
  query OverviewAny {
    executions(first: 1) {
      totalCount
    }
  }
`);
