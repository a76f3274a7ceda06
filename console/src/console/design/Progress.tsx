import { useId } from "react";

import styles from "./controls.module.css";

interface Props {
  /** What is under way, in words; it may say how far it is. */
  label: string;
  /** The share that is done, from 0 to 1; undefined if that is not known. */
  done: number | undefined;
}

/** How far something is. */
export function Progress({ label, done }: Props) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <progress id={id} className={styles.progress} value={done} />
    </div>
  );
}
