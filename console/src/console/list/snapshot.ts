import type { Refusal } from "../gateway";
import type { Counted } from "./changes";
import type { Asked } from "./source";
import { EMPTY } from "./window";

/** Where to be in a list: after an execution, at about this position among all. */
export interface Place {
  guid: string;
  /** Null if it came by an event, and has to be asked for. */
  cursor: string | null;
  position: number;
  /** Where what follows it is in a space that stays as it is. */
  index?: number;
}

/** The list at a moment; it is another object after each change. */
export interface Snapshot extends Counted {
  asked: Asked | null;
  /** Whether what was asked for is not there yet. */
  isStarting: boolean;
  isLoading: boolean;
  refusal: Refusal | null;
  /** What to scroll to; another object each time. */
  target: { index: number } | null;
}

/** The list before anything was asked for. */
export const INITIAL: Snapshot = {
  asked: null,
  window: EMPTY,
  total: null,
  fresh: 0,
  arriving: new Set(),
  isStarting: false,
  isLoading: false,
  refusal: null,
  target: null,
};
