import { STATES } from "../design";
import { allOf, parseFilter } from "../filter/language";
import type {
  ExecutionFilter,
  ExecutionState,
  OverviewLayersQuery,
  OverviewQuery,
} from "../generated/graphql";
import type { Gateway } from "../gateway";
import { boundsOf, HOUR_MS, periodBefore, type Range, type Span } from "../time";
import { type Bars, barsOf, endOfLastBar } from "./bars";
import { FAILED } from "./comparison";
import { type Bucket, type Counts, folded, layersOf } from "./folding";
import { ANY, LAYERS, OLDEST, OVERVIEW } from "./operations";

const LISTED = 6;

type Running = OverviewQuery["running"];
type FailedFlow = OverviewQuery["failed"]["byAgentflow"][number];

/** What the overview is about. */
export interface Asked {
  /** The filter of the address; it has no problems. */
  filter: string;
  range: Range;
  zone: string;
}

/** All that the overview shows. */
export interface Figures {
  /** When it was asked for, in milliseconds since 1970. */
  at: number;
  /** The place of all this among the changes of executions. */
  eventCursor: string;
  /** Which executions all this is about, whenever they were created. */
  filter: ExecutionFilter | null;
  total: number;
  counts: Counts;
  /** The counts of the equally long period before; null where there is none. */
  before: { counts: Counts; span: Span } | null;
  bars: Bars;
  /** The counts of each bar. */
  inBars: readonly Counts[];
  failed: readonly FailedFlow[];
  running: Running;
  /** Whether there are no executions at all. */
  isEmpty: boolean;
}

/** Ask for what the overview shows, mostly in one request. Rejects with Refused. */
export async function figuresOf(
  gateway: Gateway,
  { filter: text, range, zone }: Asked,
  signal: AbortSignal,
): Promise<Figures> {
  const now = Date.now();
  const { filter } = parseFilter(text, { now: new Date(now), zone });
  const span = await spanOf();
  const bars = barsOf(span.from, span.until, zone);
  const within = allOf([filter, spanned(span)]);
  const [layer, ...others] = layersOf(bars.bounds, bars.unit);
  const spanBefore = periodBefore(range, now);
  const [answer, more] = await Promise.all([
    gateway.query(
      OVERVIEW,
      {
        filter: within,
        before: spanBefore && allOf([filter, spanned(spanBefore)]),
        hasBefore: spanBefore !== null,
        failed: allOf([within, { state: { in: FAILED } }]),
        running: allOf([filter, { state: { eq: "INPROGRESS" } }]),
        layer: layer ? filterOf(layer) : null,
        hasLayer: layer !== undefined,
        bucket: bars.unit,
        first: LISTED,
      },
      { signal },
    ),
    others.length > 0 ? askForLayers(others) : [],
  ]);
  const layers = [...(answer.layer ? [answer.layer] : []), ...more].map(bucketsOf);
  const isNothing = answer.stats.totalCount === 0 && answer.running.totalCount === 0;
  const any = isNothing ? await gateway.query(ANY, {}, { signal }) : null;
  return {
    at: now,
    eventCursor: answer.eventCursor,
    filter,
    total: answer.stats.totalCount,
    counts: countsOf(answer.stats.byState),
    before:
      answer.before && spanBefore
        ? { counts: countsOf(answer.before.byState), span: spanBefore }
        : null,
    bars,
    inBars: folded(bars.bounds, bars.unit, bucketsOf(answer.stats), layers),
    failed: answer.failed.byAgentflow,
    running: answer.running,
    isEmpty: any?.executions.totalCount === 0,
  };

  /** From when to when there are bars. Ranges that go on end with the bar that it is now in. */
  async function spanOf(): Promise<Span> {
    const { from: given, until } = boundsOf(range, now);
    const from = given ?? (await oldest(until));
    return { from, until: until ?? endOfLastBar(from, Math.max(now, from), zone) };
  }

  async function oldest(until: number | null): Promise<number> {
    const createdOn = until === null ? null : { createdOn: { lt: isoOf(until) } };
    const sinceEver = allOf([filter, { createdOn: { gte: isoOf(0) } }]);
    const { executions } = await gateway.query(
      OLDEST,
      { filter: allOf([sinceEver, createdOn]) },
      { signal },
    );
    const [first] = executions.nodes;
    const end = until ?? now;
    return first ? Math.min(Date.parse(first.createdOn), end - 1) : end - HOUR_MS;
  }

  function filterOf(layer: readonly Span[]): ExecutionFilter | null {
    return allOf([within, { or: layer.map(spanned) }]);
  }

  async function askForLayers(layers: readonly (readonly Span[])[]) {
    const [a = null, b = null, c = null, d = null, e = null, f, g, h, i, j] = layers.map(filterOf);
    const hasMore = layers.length > 2;
    const given = { a, b, c, d, e, f, g, h, i, j, hasMore, bucket: bars.unit };
    const found: OverviewLayersQuery = await gateway.query(LAYERS, given, { signal });
    const { a: first, b: second, c: third, d: fourth, e: fifth, f: sixth, ...last } = found;
    const { g: seventh, h: eighth, i: ninth, j: tenth } = last;
    const each = [first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth];
    return each.slice(0, layers.length).flatMap((one) => one ?? []);
  }
}

function spanned({ from, until }: Span): ExecutionFilter {
  return { createdOn: { gte: isoOf(from), lt: isoOf(until) } };
}

function isoOf(instant: number): string {
  return new Date(instant).toISOString();
}

function countsOf(byState: readonly { state: ExecutionState; count: number }[]): Counts {
  return STATES.map((state) => byState.find((each) => each.state === state)?.count ?? 0);
}

function bucketsOf({ timeline }: OverviewQuery["stats"] | OverviewLayersQuery["a"]): Bucket[] {
  return timeline.map(({ start, byState }) => ({
    start: Date.parse(start),
    counts: countsOf(byState),
  }));
}
