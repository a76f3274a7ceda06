import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "./units";
import { offsetName, startOfDay } from "./zone";

/** Writes numbers and times as the reader does. */
export interface Formats {
  /** The zone that times are written in. */
  zone: string;
  number(value: number): string;
  /** A number of executions: `1 execution`, `2,000 executions`. */
  executions(count: number): string;
  /** A share of one, as percent: `97.4 %`. */
  percent(share: number): string;
  /** An amount of US dollars, however small: `$1.25`, `$0.0004`. */
  dollars(amount: number): string;
  /** A day and a time to the second, for a table: `26 Nov, 14:03:07`; with the year if it is another. */
  instant(at: Moment): string;
  /** A day and a time to the millisecond, with its zone, for whoever wants to know exactly. */
  exactly(at: Moment): string;
  /** A time to the second. */
  time(at: Moment): string;
  /** A day of the week and the month. */
  day(at: Moment): string;
  /** A day and a time to the minute, with the year if it is another. */
  minute(at: Moment): string;
  /** From an instant up to before another: days where both are midnights, else times. */
  between(from: Moment, until: Moment): string;
  /** How long ago, or how soon: `3 minutes ago`. */
  ago(at: Moment, now?: number): string;
  /** How long, to two units, as the filter reads it: `2m05s`, `8.5s`. */
  duration(milliseconds: number): string;
}

/** An instant as the API writes it, or in milliseconds since 1970. */
type Moment = string | number;

/** Formats for a locale, such as `navigator.languages` (undefined: the reader's), and a zone. */
export function formatsFor(locale: readonly string[] | string | undefined, zone: string): Formats {
  const of = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale as string[], { timeZone: zone, ...options });
  const toTheSecond = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
  const thisYear = of({ day: "numeric", month: "short", ...toTheSecond });
  const anyYear = of({ day: "numeric", month: "short", year: "numeric", ...toTheSecond });
  const toTheMinute = { hour: "2-digit", minute: "2-digit" } as const;
  const minuteThisYear = of({ day: "numeric", month: "short", ...toTheMinute });
  const minuteAnyYear = of({ day: "numeric", month: "short", year: "numeric", ...toTheMinute });
  const days = of({ day: "numeric", month: "short", year: "numeric" });
  const daysThisYear = of({ day: "numeric", month: "short" });
  const year = of({ year: "numeric" });
  const exact = of({ dateStyle: "full" });
  const exactTime = of({ ...toTheSecond, fractionalSecondDigits: 3 });
  const time = of(toTheSecond);
  const day = of({ weekday: "short", day: "numeric", month: "short" });
  const numbers = new Intl.NumberFormat(locale as string[]);
  // The filter takes a comma for one between two values.
  const ungrouped = new Intl.NumberFormat(locale as string[], { useGrouping: false });
  const padded = new Intl.NumberFormat(locale as string[], { minimumIntegerDigits: 2 });
  const percents = new Intl.NumberFormat(locale as string[], {
    style: "percent",
    maximumFractionDigits: 1,
  });
  const dollars = { style: "currency", currency: "USD" } as const;
  const amounts = new Intl.NumberFormat(locale as string[], dollars);
  const smallAmounts = new Intl.NumberFormat(locale as string[], {
    ...dollars,
    maximumSignificantDigits: 3,
  });
  const relative = new Intl.RelativeTimeFormat(locale as string[], { numeric: "auto" });

  function isThisYear(instant: number): boolean {
    return year.format(instant) === year.format(Date.now());
  }

  return {
    zone,
    number: (value) => numbers.format(value),
    executions: (count) => `${numbers.format(count)} execution${count === 1 ? "" : "s"}`,
    percent: (share) => percents.format(share),
    dollars(amount) {
      // A step may cost much less than a cent.
      const isSmall = amount !== 0 && Math.abs(amount) < 0.1;
      return (isSmall ? smallAmounts : amounts).format(amount);
    },
    instant(at) {
      const instant = milliseconds(at);
      return (isThisYear(instant) ? thisYear : anyYear).format(instant);
    },
    exactly(at) {
      const instant = milliseconds(at);
      return `${exact.format(instant)}, ${exactTime.format(instant)} ${offsetName(instant, zone)}`;
    },
    time: (at) => time.format(milliseconds(at)),
    day: (at) => day.format(milliseconds(at)),
    minute(at) {
      const instant = milliseconds(at);
      return (isThisYear(instant) ? minuteThisYear : minuteAnyYear).format(instant);
    },
    between(from, until) {
      const [first, last] = [milliseconds(from), milliseconds(until)];
      const areDays = [first, last].every((each) => startOfDay(each, zone) === each);
      const areOfThisYear = isThisYear(first) && isThisYear(last - 1);
      if (areDays) return (areOfThisYear ? daysThisYear : days).formatRange(first, last - 1);
      return (areOfThisYear ? minuteThisYear : minuteAnyYear).formatRange(first, last);
    },
    ago(at, now = Date.now()) {
      const passed = milliseconds(at) - now;
      const long = Math.abs(passed);
      if (long < MINUTE_MS) return relative.format(Math.round(passed / SECOND_MS), "second");
      if (long < HOUR_MS) return relative.format(Math.round(passed / MINUTE_MS), "minute");
      if (long < DAY_MS) return relative.format(Math.round(passed / HOUR_MS), "hour");
      return relative.format(Math.round(passed / DAY_MS), "day");
    },
    duration: (length) => durationOf(length, ungrouped, padded),
  };
}

// The filter reads all of it, but for digits and a decimal sign that are not those of English.
function durationOf(length: number, numbers: Intl.NumberFormat, padded: Intl.NumberFormat): string {
  const one = (value: number) => numbers.format(Math.floor(value));
  const two = (value: number) => padded.format(Math.floor(value));
  if (length < 0) return `−${durationOf(-length, numbers, padded)}`;
  if (length < SECOND_MS) return `${numbers.format(Math.round(length))}ms`;
  if (length < MINUTE_MS) return `${numbers.format(Math.floor(length / 100) / 10)}s`;
  if (length < HOUR_MS) {
    return `${one(length / MINUTE_MS)}m${two((length % MINUTE_MS) / SECOND_MS)}s`;
  }
  if (length < DAY_MS) return `${one(length / HOUR_MS)}h${two((length % HOUR_MS) / MINUTE_MS)}m`;
  return `${one(length / DAY_MS)}d${two((length % DAY_MS) / HOUR_MS)}h`;
}

function milliseconds(at: Moment): number {
  return typeof at === "number" ? at : Date.parse(at);
}
