import styles from "./marks.module.css";

// Strokes on a grid of 16 by 16.
const PATHS = {
  overview: "M2.5 13.5v-4m3.67 4v-7m3.66 7v-5m3.67 5v-11",
  executions: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  view: "M4 2.5h8v11l-4-3-4 3z",
  explore: "m6 5-3 3 3 3m4-6 3 3-3 3",
  document: "M4 2.5h5l3 3v8H4zM9 2.5v3h3M6 8.5h4M6 11h4",
  health: "M1.75 8.5h2.5l2-5 3 9 2-4h3",
  meter: "M2.5 11.5a5.5 5.5 0 1 1 11 0M8 11l2.5-3.5",
  key: "M9.5 6.5a2.75 2.75 0 1 0-5.5 0 2.75 2.75 0 0 0 5.5 0zM9 8l4.5 4.5M11.5 10.5l-1.25 1.25",
  globe:
    "M8 2.25a5.75 5.75 0 1 0 0 11.5 5.75 5.75 0 0 0 0-11.5zM2.25 8h11.5M8 2.25c-3.5 3.5-3.5 8 0 11.5 3.5-3.5 3.5-8 0-11.5z",
  clock: "M8 2.25a5.75 5.75 0 1 0 0 11.5 5.75 5.75 0 0 0 0-11.5zM8 5v3.25l2.25 1.5",
  calendar: "M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3M10.5 2v3",
  search: "M11 7a4 4 0 1 0-8 0 4 4 0 0 0 8 0zM10 10l3.5 3.5",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  columns: "M2.5 3h11v10h-11zM6.17 3v10M9.83 3v10",
  close: "m4 4 8 8m0-8-8 8",
  check: "m3.5 8.5 3 3 6-7",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  more: "M3.5 7.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1zM8 7.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1zM12.5 7.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1z",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  down: "m4 6 4 4 4-4",
  up: "m4 10 4-4 4 4",
  forward: "m6 4 4 4-4 4",
  back: "m10 4-4 4 4 4",
  ascending: "M8 13V3m0 0L4.5 6.5M8 3l3.5 3.5",
  descending: "M8 3v10m0 0 3.5-3.5M8 13 4.5 9.5",
  copy: "M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2",
  link: "M6.75 9.25a2.5 2.5 0 0 0 3.5 0l2-2a2.5 2.5 0 0 0-3.5-3.5l-.75.75m1.25 2.25a2.5 2.5 0 0 0-3.5 0l-2 2a2.5 2.5 0 0 0 3.5 3.5l.75-.75",
  external: "M9.5 2.5h4v4m0-4L8 8m3.5 1.5v4h-9v-9h4",
  export: "M8 2.5v7.5m0 0 3-3m-3 3-3-3M2.5 13.5h11",
  reload: "M13 8a5 5 0 1 1-1.5-3.5L13 6m0-3.5V6H9.5",
  stop: "M4 4h8v8H4z",
  timeout: "M5 2.5h6M5 13.5h6M5.5 2.5v2.5L8 8l2.5-3V2.5M5.5 13.5V11L8 8l2.5 3v2.5",
  delete: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9",
  undo: "M5.5 3 2.5 6l3 3M2.5 6h7a3.75 3.75 0 0 1 0 7.5h-3",
  keyboard: "M1.75 4h12.5v8H1.75zM4.5 7h.01M7 7h.01M9.25 7h.01M11.5 7h.01M5 9.5h6",
  warning: "M8 2.25 14.25 13H1.75zM8 6.5v3M8 11.25h.01",
  edit: "M3 13l.5-2.5 7.5-7.5 2 2-7.5 7.5z",
} as const;

/** The names of all icons. */
export type IconName = keyof typeof PATHS;

/** A small drawing beside a word, or in a button that has a label. Screen readers skip it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      className={styles.icon}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
