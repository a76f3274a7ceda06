import type { ExecutionStepsQuery } from "../generated/graphql";
import type { Span } from "../time";
import type { Known } from "./opened";

/** A step of an execution, as the gateway tells it. */
export type Step = NonNullable<ExecutionStepsQuery["execution"]>["steps"][number];

/** A step and where it stands: `index` is its place among all, as the gateway tells them. */
export interface Placed {
  step: Step;
  index: number;
  /** In how many iterations it is. */
  depth: number;
  /** When it began and ended, in milliseconds since 1970; null where that is not known. */
  span: Span | null;
}

const DEEPEST = 6;

/** The steps in the order in which they began, as far as all say when; else as they ended. */
export function placed(steps: readonly Step[]): Placed[] {
  const spans = steps.map(spanOf);
  const parents = new Map(steps.map(({ nodeId, parent }) => [nodeId, parent]));
  const all = steps.map((step, index) => ({
    step,
    index,
    depth: depthOf(step, parents),
    span: spans[index] ?? null,
  }));
  if (spans.includes(null)) return all;
  return all.sort(
    (one, other) =>
      (one.span?.from ?? 0) - (other.span?.from ?? 0) ||
      one.depth - other.depth ||
      one.index - other.index,
  );
}

/** From the first instant to the last one that is known of an execution and its steps. */
export function spanOfAll(execution: Known, spans: readonly Placed[], now: number): Span {
  const from = Date.parse(execution.createdOn);
  const until = execution.finishedOn ? Date.parse(execution.finishedOn) : now;
  const known = spans.flatMap(({ span }) => span ?? []);
  return {
    from: Math.min(from, ...known.map((span) => span.from)),
    until: Math.max(from + 1, until, ...known.map((span) => span.until)),
  };
}

/** Where a span is within another one: its beginning and its length, as shares of it. */
export function within({ from, until }: Span, whole: Span): { start: number; length: number } {
  const width = whole.until - whole.from;
  const start = Math.min(1, Math.max(0, (from - whole.from) / width));
  return { start, length: Math.min(1 - start, Math.max(0, (until - from) / width)) };
}

function spanOf({ startedOn, finishedOn, durationMs }: Step): Span | null {
  const start = startedOn === null ? null : Date.parse(startedOn);
  const end = finishedOn === null ? null : Date.parse(finishedOn);
  if (start !== null && end !== null) return { from: start, until: Math.max(start, end) };
  if (durationMs === null) return null;
  if (start !== null) return { from: start, until: start + durationMs };
  return end === null ? null : { from: end - durationMs, until: end };
}

function depthOf(step: Step, parents: ReadonlyMap<string, string | null>): number {
  let { parent } = step;
  let depth = 0;
  while (parent !== null && depth < DEEPEST) {
    depth += 1;
    parent = parents.get(parent) ?? null;
  }
  return depth;
}
