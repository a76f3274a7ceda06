import { HOUR_MS, MINUTE_MS, offsetAt, wallTimeAt } from "../time";
import type { Bars } from "./bars";

/** Between labels, in minutes of the day. */
const STEPS = [5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1_440] as const;

/** A label below the bars. */
export interface Tick {
  /** Where it is: 0 is the middle of the first bar, 1 of the second. */
  at: number;
  text: string;
}

/** Labels for the bars of a timeline that has room for a number of them. */
export function ticksOf(
  { bounds, width }: Bars,
  room: number,
  zone: string,
  locale: readonly string[] | string,
): Tick[] {
  const starts = bounds.slice(0, -1);
  const isByClock = width === "minute" || width === "hour" || width === "block";
  const span = (bounds.at(-1) ?? 0) - (bounds[0] ?? 0);
  // A label is about as wide as half of its room, and has to end before the bars do.
  const beside = starts.length / room / 2.5;
  if (!isByClock) {
    const every = Math.max(1, Math.ceil(starts.length / room));
    const label = labelFor(width, span, zone, locale);
    const last = Math.floor(starts.length - 0.5 - beside);
    return starts.flatMap((start, index) =>
      index <= last && (last - index) % every === 0 ? { at: index, text: label(start) } : [],
    );
  }
  const minutes = span / MINUTE_MS;
  const step = STEPS.find((each) => minutes / each <= room) ?? 1_440;
  const everyDays = Math.max(1, Math.ceil(minutes / 1_440 / room));
  const time = of(locale, zone, { timeStyle: "short" });
  const day = of(locale, zone, { month: "short", day: "numeric" });
  let days = 0;
  let last = -Infinity;
  return starts.flatMap((start, index) => {
    // The first one may be less than whole, and begins when it begins.
    if (index === 0 || index > starts.length - beside) return [];
    const wall = wallTimeAt(start, zone);
    const minute = wall.hour * 60 + wall.minute;
    // Half an hour from UTC, hours begin at half past.
    const isLabelled = width === "minute" ? minute % step === 0 : minute % step < 60;
    // At half past, and again, when clocks are put back.
    if (!isLabelled || (start - last < HOUR_MS / 2 && step >= 60)) return [];
    last = start;
    const isMidnight = minute < 60 && width !== "minute";
    if (isMidnight) days += 1;
    if (step === 1_440 && days % everyDays !== 0) return [];
    return { at: index - 0.5, text: (isMidnight ? day : time).format(start) };
  });
}

function labelFor(
  width: Bars["width"],
  span: number,
  zone: string,
  locale: readonly string[] | string,
): (start: number) => string {
  const isLong = span > 300 * 24 * HOUR_MS;
  const format =
    width === "year"
      ? of(locale, zone, { year: "numeric" })
      : width === "month"
        ? of(locale, zone, { month: "short", year: "2-digit" })
        : of(locale, zone, {
            day: "numeric",
            month: "short",
            ...(isLong && { year: "2-digit" }),
          });
  return (start) => format.format(start);
}

const WORDS: Record<Bars["width"], string> = {
  minute: "per quarter of an hour",
  hour: "per hour",
  block: "per three hours",
  day: "per day",
  week: "per week",
  month: "per month",
  year: "per year",
};

/** What each bar is, for the heading. */
export function wordsFor({ width, length, bounds }: Bars, zone: string): string {
  if (length === 5 * MINUTE_MS) return "per five minutes";
  // Where clocks are half an hour from UTC, hours begin at half past, which the reader wonders at.
  const isBeside = width === "hour" && offsetAt(bounds[0] ?? 0, zone) % HOUR_MS !== 0;
  return isBeside ? "per hour of UTC" : WORDS[width];
}

/** Where lines are drawn behind the bars: whole numbers from 0, up to the most or beyond it. */
export function linesUpTo(most: number): number[] {
  const rough = Math.max(1, most) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? 1,
  );
  const count = Math.ceil(Math.max(1, most) / step);
  return Array.from({ length: count + 1 }, (_, index) => Math.round(index * step));
}

function of(
  locale: readonly string[] | string,
  zone: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale as string[], { timeZone: zone, ...options });
}
