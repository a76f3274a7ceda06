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

interface Clocks {
  maker: Intl.DateTimeFormat;
  /** Offsets by their instants: finding one takes a browser as long as reading a whole term. */
  offsets: Map<number, number>;
}

/** As many as the longest filter asks for. */
const MOST_OFFSETS = 20_000;
const clocksOf = new Map<string, Clocks>();

let own: string | undefined;

/** The reader's time zone, by its IANA name, as it was when it was asked for first. */
export function readersZone(): string {
  own ??= new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return own;
}

/** What the clocks of a zone show at an instant. */
export function wallTimeAt(instant: number, zone: string): WallTime {
  const date = new Date(instant + offsetAt(instant, zone));
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** By how many milliseconds the clocks of a zone are before those of UTC at an instant. */
export function offsetAt(instant: number, zone: string): number {
  if (zone === "UTC") return 0;
  const whole = Math.floor(instant / SECOND_MS) * SECOND_MS;
  const { maker, offsets } = clocksIn(zone);
  const known = offsets.get(whole);
  if (known !== undefined) return known;
  if (offsets.size >= MOST_OFFSETS) offsets.clear();
  const offset = asUtc(partsOf(maker, whole)) - whole;
  offsets.set(whole, offset);
  return offset;
}

/**
 * The first instant at which the clocks of a zone show a time. Where they never do, because they
 * were put forward, it is the one that would have been.
 */
export function instantOf(wall: WallTime, zone: string): number {
  const utc = asUtc(wall);
  const [before, after] = [offsetAt(utc - DAY_MS, zone), offsetAt(utc + DAY_MS, zone)];
  if (before === after) return utc - before;
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

function partsOf(maker: Intl.DateTimeFormat, instant: number): WallTime {
  const found: Record<string, number> = {};
  for (const { type, value } of maker.formatToParts(instant)) found[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = found;
  return { year, month, day, hour, minute, second };
}

function clocksIn(zone: string): Clocks {
  let clocks = clocksOf.get(zone);
  if (!clocks) {
    const maker = new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    clocks = { maker, offsets: new Map() };
    clocksOf.set(zone, clocks);
  }
  return clocks;
}
