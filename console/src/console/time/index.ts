export { type Formats, formatsFor, type Moment } from "./formats";
export { Instant } from "./Instant";
export {
  boundsOf,
  conditionOf,
  parseRange,
  periodBefore,
  PRESETS,
  printRange,
  type Range,
  wordsOf,
} from "./range";
export { RangePicker } from "./RangePicker";
export { useFormats, useZone } from "./useFormats";
export {
  instantOf,
  offsetAt,
  offsetName,
  readersZone,
  startOfDay,
  startOfNextDay,
  type WallTime,
  wallTimeAt,
} from "./zone";
