import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { colourOf, STATES } from "../design";
import type { ExecutionState } from "../generated/graphql";
import { useZone } from "../time";
import type { Bars } from "./bars";
import { totalOf } from "./comparison";
import type { Counts } from "./folding";
import { linesUpTo, ticksOf } from "./labels";
import styles from "./timeline.module.css";

/** What is drawn from the ground up: what went well, then what did not, which stands out. */
const STACKED: readonly ExecutionState[] = [
  "FINISHED",
  "INPROGRESS",
  "STOPPED",
  "TERMINATED",
  "TIMEOUT",
  "ERROR",
];
/** In CSS pixels; `timeline.module.css` has the same. */
const LEFT = 44;
const BOTTOM = 26;
const TOP = 8;
const LABEL_WIDTH = 72;
const WIDEST = 40;
const LOWEST = 2;
const FORCED = "(forced-colors: active)";
const SCHEMES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", FORCED] as const;
/** What went well is most of it, and calmer than the rest. */
const CALM = "color-mix(in srgb, var(--state-finished) 72%, var(--page))";

interface Props {
  bars: Bars;
  inBars: readonly Counts[];
}

/** The drawing of a timeline: a bar for each period, stacked by state. */
export default function Chart({ bars, inBars }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const zone = useZone();

  useEffect(() => {
    const parent = place.current;
    if (!parent) return;
    let chart: uPlot | undefined;

    function draw() {
      if (!parent) return;
      chart?.destroy();
      chart = drawn(parent, { bars, inBars }, zone);
    }

    const sizes = new ResizeObserver(draw);
    sizes.observe(parent);
    // A drawing does not follow the colours of the page by itself.
    const schemes = SCHEMES.map((scheme) => matchMedia(scheme));
    for (const scheme of schemes) scheme.addEventListener("change", draw);
    return () => {
      sizes.disconnect();
      for (const scheme of schemes) scheme.removeEventListener("change", draw);
      chart?.destroy();
    };
  }, [bars, inBars, zone]);

  return <div ref={place} className={styles.drawing} aria-hidden="true" />;
}

function drawn(parent: HTMLElement, { bars, inBars }: Props, zone: string): uPlot {
  const { width, height } = parent.getBoundingClientRect();
  const totals = inBars.map(totalOf);
  const lines = linesUpTo(Math.max(...totals));
  const room = Math.max(2, Math.floor((width - LEFT) / LABEL_WIDTH));
  const ticks = ticksOf(bars, room, zone, [...navigator.languages]);
  const compact = new Intl.NumberFormat([...navigator.languages], { notation: "compact" });
  const colour = coloursIn(parent);
  const font = `11px ${getComputedStyle(parent).fontFamily}`;
  const ink = matchMedia(FORCED).matches ? "CanvasText" : "var(--quiet)";
  const axis = { stroke: colour(ink), font, ticks: { show: false }, gap: 6 };
  const colours = new Map(
    STACKED.map((state) => [state, colour(state === "FINISHED" ? CALM : colourOf(state))]),
  );

  return new uPlot(
    {
      width,
      height,
      padding: [TOP, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [-0.5, totals.length - 0.5] },
        y: { range: () => [0, lines.at(-1) ?? 1] },
      },
      axes: [
        {
          ...axis,
          size: BOTTOM,
          grid: { show: false },
          splits: () => ticks.map(({ at }) => at),
          values: () => ticks.map(({ text }) => text),
        },
        {
          ...axis,
          size: LEFT,
          grid: { stroke: colour("var(--line)"), width: 1 },
          splits: () => lines,
          values: (_chart, values) => values.map((value) => compact.format(value)),
        },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { draw: [(chart) => drawBars(chart, inBars, colours)] },
    },
    [totals.map((_, index) => index), totals],
    parent,
  );
}

function drawBars(
  chart: uPlot,
  inBars: readonly Counts[],
  colours: ReadonlyMap<ExecutionState, string>,
) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const slot = bbox.width / inBars.length;
  const wide = Math.max(1, Math.min(Math.round(slot * 0.74), WIDEST * ratio));
  ctx.save();
  inBars.forEach((counts, index) => {
    const left = Math.round(bbox.left + slot * (index + 0.5) - wide / 2);
    const parts = STACKED.map((state) => ({
      state,
      count: counts[STATES.indexOf(state)] ?? 0,
    })).filter(({ count }) => count > 0);
    let bottom = Math.round(chart.valToPos(0, "y", true));
    parts.forEach(({ state, count }, order) => {
      const exact = bottom - (chart.valToPos(0, "y", true) - chart.valToPos(count, "y", true));
      const top = Math.min(Math.round(exact), bottom - Math.round(LOWEST * ratio));
      const isLast = order === parts.length - 1;
      // A hairline of the page's colour between parts, so that they are apart without colours too.
      const gap = !isLast && bottom - top > 3 * ratio ? Math.round(ratio) : 0;
      ctx.fillStyle = colours.get(state) ?? "";
      ctx.beginPath();
      const round = isLast ? Math.min(2 * ratio, wide / 2, bottom - top) : 0;
      ctx.roundRect(left, top + gap, wide, bottom - top - gap, [round, round, 0, 0]);
      ctx.fill();
      bottom = top;
    });
  });
  ctx.restore();
}

/** Returns what makes a colour of the page's, such as `var(--line)`, one that can be drawn with. */
function coloursIn(parent: HTMLElement): (colour: string) => string {
  return (colour) => {
    const probe = document.createElement("span");
    probe.style.color = colour;
    probe.style.setProperty("forced-color-adjust", "none");
    parent.append(probe);
    const computed = getComputedStyle(probe).color;
    probe.remove();
    return computed;
  };
}
