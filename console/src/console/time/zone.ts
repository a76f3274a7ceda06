import { DAY_MS, MINUTE_MS, SECOND_MS } from "./units";

// Instants are in milliseconds since 1970 in all of these, and zones are IANA names.

/** Parts of the time on the wall: month and day count from 1. */
export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const makers = new Map<string, Intl.DateTimeFormat>();

let own: string | undefined;

/** The reader's time zone, by its IANA name, as it was when it was asked for first. */
export function readersZone(): string {
  own ??= new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return own;
}

/** What the clocks of a zone show at an instant. */
export function wallTimeAt(instant: number, zone: string): WallTime {
  const found: Record<string, number> = {};
  for (const { type, value } of makerOf(zone).formatToParts(instant)) found[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = found;
  return { year, month, day, hour, minute, second };
}

/** By how many milliseconds the clocks of a zone are before those of UTC at an instant. */
export function offsetAt(instant: number, zone: string): number {
  const whole = Math.floor(instant / SECOND_MS) * SECOND_MS;
  return asUtc(wallTimeAt(whole, zone)) - whole;
}

/**
 * The first instant at which the clocks of a zone show a time. Where they never do, because they
 * were put forward, it is the one that would have been.
 */
export function instantOf(wall: WallTime, zone: string): number {
  const utc = asUtc(wall);
  const [before, after] = [offsetAt(utc - DAY_MS, zone), offsetAt(utc + DAY_MS, zone)];
  const candidates = [utc - before, utc - after].sort((one, other) => one - other);
  return candidates.find((instant) => instant + offsetAt(instant, zone) === utc) ?? utc - before;
}

/** When the day that an instant is in begins in a zone. */
export function startOfDay(instant: number, zone: string): number {
  const { year, month, day } = wallTimeAt(instant, zone);
  return instantOf({ year, month, day, hour: 0, minute: 0, second: 0 }, zone);
}

/** When the day after the one that an instant is in begins in a zone. */
export function startOfNextDay(instant: number, zone: string): number {
  const { year, month, day } = wallTimeAt(instant, zone);
  return instantOf({ year, month, day: day + 1, hour: 0, minute: 0, second: 0 }, zone);
}

/** The name of a zone's offset at an instant, such as `UTC+05:30`. */
export function offsetName(instant: number, zone: string): string {
  const minutes = offsetAt(instant, zone) / MINUTE_MS;
  if (minutes === 0) return "UTC";
  const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "−" : "+"}${twoDigits(hour)}:${twoDigits(minute)}`;
}

/** A part of a time as clocks show it: its whole number, in two digits. */
export function twoDigits(part: number): string {
  return String(Math.floor(part)).padStart(2, "0");
}

function asUtc({ year, month, day, hour, minute, second }: WallTime): number {
  const date = new Date(0);
  // Date.UTC takes the years before 100 for those of the last century.
  date.setUTCFullYear(year, month - 1, day);
  return date.setUTCHours(hour, minute, second, 0);
}

function makerOf(zone: string): Intl.DateTimeFormat {
  let maker = makers.get(zone);
  if (!maker) {
    maker = new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    makers.set(zone, maker);
  }
  return maker;
}
