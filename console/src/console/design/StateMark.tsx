import type { ReactNode } from "react";

import { graphql } from "../generated/gql";
import type { ExecutionState } from "../generated/graphql";
import styles from "./marks.module.css";
import { colourOf, wordOf } from "./states";

graphql(`
  fragment StateMark on Execution {
    state
  }
`);

// Each has a shape of its own, so that nobody needs to see colours.
const SHAPES: Record<ExecutionState, ReactNode> = {
  INPROGRESS: (
    <>
      <circle cx="7" cy="7" r="5.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M7 3.5a3.5 3.5 0 0 1 0 7z" fill="currentColor" />
    </>
  ),
  FINISHED: (
    <>
      <circle cx="7" cy="7" r="6" fill="currentColor" />
      <path d="m4.4 7.2 1.8 1.8 3.4-3.8" className={styles.cut} />
    </>
  ),
  ERROR: (
    <>
      <path d="M4.5 1h5L13 4.5v5L9.5 13h-5L1 9.5v-5z" fill="currentColor" />
      <path d="m5 5 4 4m0-4L5 9" className={styles.cut} />
    </>
  ),
  TERMINATED: (
    <>
      <circle cx="7" cy="7" r="5.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="m3.5 10.5 7-7" fill="none" stroke="currentColor" strokeWidth="1.5" />
    </>
  ),
  TIMEOUT: (
    <>
      <circle cx="7" cy="7" r="5.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path
        d="M7 4v3.2l2 1.4"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </>
  ),
  STOPPED: (
    <>
      <rect x="1.5" y="1.5" width="11" height="11" rx="2.5" fill="currentColor" />
      <path d="M5 5h4v4H5z" className={styles.hole} />
    </>
  ),
};

interface Props {
  state: ExecutionState;
  /** Whether the word is read and not shown, where there is no room for it. */
  isWordHidden?: boolean;
}

/** A state: a shape, a colour and a word. */
export function StateMark({ state, isWordHidden = false }: Props) {
  return (
    <span className={styles.state}>
      <svg
        className={styles.shape}
        style={{ color: colourOf(state) }}
        viewBox="0 0 14 14"
        width="14"
        height="14"
        aria-hidden="true"
      >
        {SHAPES[state]}
      </svg>
      <span className={isWordHidden ? "visually-hidden" : undefined}>{wordOf(state)}</span>
    </span>
  );
}
