import { type ComponentPropsWithRef, useId } from "react";

import styles from "./controls.module.css";

interface Props extends ComponentPropsWithRef<"input"> {
  label: string;
  /** Whether the label is read and not shown. */
  isLabelHidden?: boolean;
  /** What helps to fill it in. */
  hint?: string | undefined;
  /** What is wrong with what is in it. */
  problem?: string | undefined;
}

/** A field to type into, with its label. */
export function Field({ label, isLabelHidden = false, hint, problem, ...attributes }: Props) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={isLabelHidden ? "visually-hidden" : styles.label}>
        {label}
      </label>
      <input
        {...attributes}
        id={id}
        className={`${styles.input} ${attributes.className ?? ""}`}
        aria-invalid={problem !== undefined || undefined}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
      />
      {note !== undefined && (
        <p id={`${id}-note`} className={problem === undefined ? styles.hint : styles.problem}>
          {note}
        </p>
      )}
    </div>
  );
}
