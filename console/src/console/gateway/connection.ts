import type { Refusal } from "./refusals";

/** Whether changes arrive as they happen. */
export type Connection =
  /** Nobody follows anything. */
  | { state: "idle" }
  | { state: "connecting" }
  | { state: "connected" }
  /** Gone since then; it is tried again at `retryAt` (both in milliseconds since 1970). */
  | { state: "lost"; since: number; retryAt: number }
  /** The gateway refuses to tell of changes, and will until something else is followed. */
  | { state: "refused"; refusal: Refusal };
