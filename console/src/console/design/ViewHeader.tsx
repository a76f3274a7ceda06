import type { ReactNode } from "react";

import styles from "./layout.module.css";

interface Props {
  title: string;
  /** Beside the title, such as a count. */
  aside?: ReactNode;
  /** Controls at the end of the line. */
  children?: ReactNode;
}

/** The head of a view: what it is, and what can be done with all of it. */
export function ViewHeader({ title, aside, children }: Props) {
  return (
    <header className={styles.header}>
      <h1 className={styles.title}>{title}</h1>
      {aside && <div className={styles.aside}>{aside}</div>}
      <div className={styles.controls}>{children}</div>
    </header>
  );
}
