export { type Formats, formatsFor } from "./formats";
export { Instant } from "./Instant";
export {
  boundsOf,
  conditionOf,
  parseRange,
  periodBefore,
  printRange,
  type Range,
  type Span,
  wordsOf,
} from "./range";
export { RangePicker } from "./RangePicker";
export {
  DAY_MS,
  FIRST_INSTANT,
  HOUR_MS,
  LAST_INSTANT,
  MINUTE_MS,
  SECOND_MS,
  WEEK_MS,
} from "./units";
export { useFormats, useZone } from "./useFormats";
export { useNow } from "./useNow";
export {
  instantOf,
  offsetAt,
  offsetName,
  readersZone,
  startOfDay,
  startOfNextDay,
  twoDigits,
  wallTimeAt,
} from "./zone";
