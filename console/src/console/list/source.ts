import { graphql } from "../generated/gql";
import type {
  ExecutionFilter,
  ExecutionOrder,
  ListChangesSubscription,
  ListPageQuery,
} from "../generated/graphql";
import { Amount, type Gateway } from "../gateway";
import type { Row } from "./row";
import { PAGE as PAGE_LENGTH } from "./window";

/** Rows to begin with, and the place of these rows among all changes. */
const START = graphql(`
  query ListStart(
    $filter: ExecutionFilter
    $orderBy: [ExecutionOrder!]
    $first: Int!
    $after: String
  ) {
    eventCursor
    executions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      ...ListedPage
    }
  }
`);

const PAGE = graphql(`
  query ListPage(
    $filter: ExecutionFilter
    $orderBy: [ExecutionOrder!]
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    executions(
      filter: $filter
      orderBy: $orderBy
      first: $first
      after: $after
      last: $last
      before: $before
    ) {
      ...ListedPage
    }
  }
`);

graphql(`
  fragment ListedPage on ExecutionConnection {
    edges {
      cursor
      node {
        ...Listed
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
    }
  }
`);

const COUNT = graphql(`
  query ListCount($filter: ExecutionFilter) {
    executions(filter: $filter) {
      totalCount
    }
  }
`);

const CHANGES = graphql(`
  subscription ListChanges($filter: ExecutionFilter, $after: String) {
    executionEvents(filter: $filter, after: $after) {
      cursor
      type
      matches
      guid
      execution {
        ...Listed
      }
    }
  }
`);

/** Which executions, and in which order. */
export interface Asked {
  filter: ExecutionFilter | null;
  orderBy: readonly ExecutionOrder[];
}

/** Which rows: the first ones after a place, or the last ones before one. */
export type Span =
  { first: number; after?: string | null } | { last: number; before?: string | null };

/** A page of rows, as the gateway answers. */
export type Page = ListPageQuery["executions"];
/** An event of an execution, as the subscription tells it. */
export type Change = ListChangesSubscription["executionEvents"];

/** Where rows come from. */
export interface Source {
  /** Rows to begin with; `eventCursor` is the place among changes that they were read at. */
  start(
    asked: Asked,
    span: { first: number; after?: string | null },
    signal: AbortSignal,
  ): Promise<{ eventCursor: string; total: number; page: Page }>;
  page(asked: Asked, span: Span, signal: AbortSignal): Promise<Page>;
  count(filter: ExecutionFilter | null, signal: AbortSignal): Promise<number>;
  /** Tell of the changes after a place, until what is returned is called. */
  follow(
    asked: Asked,
    after: string,
    onChange: (change: Change) => void,
    onExpired: () => void,
  ): () => void;
}

/** The gateway as the source of rows. */
export function sourceOf(gateway: Gateway): Source {
  const rows = new Amount(PAGE_LENGTH);
  return {
    async start(asked, span, signal) {
      const { eventCursor, executions } = await rows.ask((most) =>
        gateway.query(START, { ...asked, ...upTo(most, span) }, { signal }),
      );
      return { eventCursor, total: executions.totalCount, page: executions };
    },
    async page(asked, span, signal) {
      const { executions } = await rows.ask((most) =>
        gateway.query(PAGE, { ...asked, ...upTo(most, span) }, { signal }),
      );
      return executions;
    },
    async count(filter, signal) {
      return (await gateway.query(COUNT, { filter }, { signal })).executions.totalCount;
    },
    follow: ({ filter }, after, onChange, onExpired) =>
      gateway.live.follow(
        CHANGES,
        { filter, after },
        {
          next({ executionEvents }) {
            onChange(executionEvents);
            return executionEvents.cursor;
          },
          expired: onExpired,
          refused: () => undefined,
        },
      ),
  };
}

/** The executions of a page as rows. */
export function rowsOf({ edges }: Page): readonly Row[] {
  return edges.map(({ cursor, node }) => ({ ...node, cursor, standing: "matches" }));
}

function upTo<Asking extends Span>(most: number, span: Asking): Asking {
  return "first" in span
    ? { ...span, first: Math.min(span.first, most) }
    : { ...span, last: Math.min(span.last, most) };
}
