import {
  DAY_MS,
  FIRST_INSTANT,
  HOUR_MS,
  instantOf,
  LAST_INSTANT,
  MINUTE_MS,
  SECOND_MS,
  type Span,
  startOfDay,
  startOfNextDay,
  twoDigits,
  wallTimeAt,
  WEEK_MS,
} from "../time";

/** What times are read against: the moment that it is, and the zone of dates. */
export interface At {
  now: Date;
  zone: string;
}

const TIME =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/i;
const AGO = /^-(\d{1,6})(ms|s|m|h|d|w)$/i;
const LENGTH = /(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d|w)/giy;
const UNITS: Record<string, number> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: WEEK_MS,
};

/**
 * Read a time: a year, month or day of the zone, a time on its clocks or with an offset, to the
 * minute, second or millisecond; `now`, `today`, `yesterday`, or how long ago (`-24h`). An instant
 * ends when it begins. Null if it is no time.
 */
export function spanOf(text: string, at: At): Span | null {
  const now = at.now.getTime();
  const today = () => startOfDay(now, at.zone);
  switch (text.toLowerCase()) {
    case "now":
      return { from: now, until: now };
    case "today":
      return { from: today(), until: startOfNextDay(now, at.zone) };
    case "yesterday":
      return { from: startOfDay(today() - 1, at.zone), until: today() };
  }
  const ago = AGO.exec(text);
  if (ago) {
    const instant = now - Number(ago[1]) * (UNITS[(ago[2] ?? "").toLowerCase()] ?? NaN);
    return { from: instant, until: instant };
  }
  return writtenSpan(text, at.zone);
}

function writtenSpan(text: string, zone: string): Span | null {
  const parts = TIME.exec(text);
  if (!parts) return null;
  const [year = 0, month, day, hour, minute, second] = parts
    .slice(1, 7)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const wall = { year, month: month ?? 1, day: day ?? 1, hour: 0, minute: 0, second: 0 };
  const isDay = isDayOfCalendar(wall.year, wall.month, wall.day);
  if (!isDay || (hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return null;
  const midnight = (change: Partial<typeof wall>) => instantOf({ ...wall, ...change }, zone);
  if (month === undefined) return { from: midnight({}), until: midnight({ year: year + 1 }) };
  if (day === undefined) return { from: midnight({}), until: midnight({ month: month + 1 }) };
  if (hour === undefined) return { from: midnight({}), until: midnight({ day: day + 1 }) };
  const clock = { ...wall, hour, minute: minute ?? 0, second: second ?? 0 };
  const fraction = parts[7];
  const offset = offsetOf(parts[8]);
  if (offset === null) return null;
  const utc = instantOf(clock, "UTC");
  const whole = offset === undefined ? instantOf(clock, zone) : utc - offset;
  const from = whole + (fraction === undefined ? 0 : Number(fraction.padEnd(3, "0")));
  const unit = second === undefined ? MINUTE_MS : fraction === undefined ? SECOND_MS : 1;
  return { from, until: from + unit };
}

/** The milliseconds of an offset as it is written; undefined without one, null if it is none. */
function offsetOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined;
  if (/^z$/i.test(text)) return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(-2))];
  if (hours > 23 || minutes > 59) return null;
  return (text.startsWith("-") ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS);
}

/** Neither the 13th month nor the 30th of February. */
function isDayOfCalendar(year: number, month: number, day: number): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** An instant (milliseconds since 1970) in ISO 8601, within what the gateway can store. */
export function isoOf(instant: number): string {
  return new Date(Math.min(Math.max(instant, FIRST_INSTANT), LAST_INSTANT)).toISOString();
}

/** Whether an instant is after all that the gateway can store. */
export function isAfterAll(instant: number): boolean {
  return instant > LAST_INSTANT;
}

/**
 * Write a time with its offset if it is one on the clocks of the zone, so that it means the same
 * to a reader in another zone. Days stay days of whoever reads them.
 */
export function withOffset(text: string, zone: string): string {
  const parts = TIME.exec(text);
  const span = writtenSpan(text, zone);
  if (!span || !parts || parts[4] === undefined || parts[8] !== undefined) return text;
  const wall = wallTimeAt(span.from, zone);
  const clock = instantOf(wall, "UTC");
  const minutes = Math.round((clock - Math.floor(span.from / SECOND_MS) * SECOND_MS) / MINUTE_MS);
  if (minutes === 0) return `${text}Z`;
  const size = Math.abs(minutes);
  return `${text}${minutes < 0 ? "-" : "+"}${twoDigits(size / 60)}:${twoDigits(size % 60)}`;
}

/** A length of time: the milliseconds, and those of the smallest unit it was written to. */
export interface Length {
  length: number;
  precision: number;
}

/** Read a length of time, such as `60s`, `1h30m` or `1.5s`. Null if it is none. */
export function lengthOf(text: string): Length | null {
  let length = 0;
  let precision = 1;
  let at = 0;
  LENGTH.lastIndex = 0;
  for (let found = LENGTH.exec(text); found; found = LENGTH.exec(text)) {
    const [whole = "", number = "", unit = ""] = found;
    const size = UNITS[unit.toLowerCase()] ?? NaN;
    const decimals = number.split(".")[1]?.length ?? 0;
    length += Number(number) * size;
    precision = Math.max(1, size / 10 ** decimals);
    at += whole.length;
  }
  const isAll = at === text.length && at > 0;
  length = Math.round(length);
  return isAll && Number.isSafeInteger(length + precision)
    ? { length, precision: Math.round(precision) }
    : null;
}
