import { type ReactNode, useId } from "react";

import { useFormats } from "../time";
import styles from "./execution.module.css";

interface Props {
  title: string;
  /** How many there are, beside the title. */
  count?: number | undefined;
  isBusy?: boolean;
  children: ReactNode;
}

/** A part of what is shown of an execution, named by its title. */
export function Section({ title, count, isBusy, children }: Props) {
  const id = useId();
  const { number } = useFormats();
  return (
    <section className={styles.section} aria-labelledby={id} aria-busy={isBusy}>
      <header className={styles.heading}>
        <h3 id={id}>{title}</h3>
        {count !== undefined && <span className={styles.count}>{number(count)}</span>}
      </header>
      {children}
    </section>
  );
}
