import { Skeleton } from "../design";
import styles from "./execution.module.css";
import type { Known } from "./opened";
import { Section } from "./Section";

/** Why an execution failed. What the list knows of it is that it did, so there is room for why. */
export function ErrorMessage({ execution: { state, error } }: { execution: Known }) {
  if (!error && state !== "ERROR") return null;
  return (
    <Section title="Error">
      {error === undefined ? (
        <Skeleton height="2.25rem" />
      ) : (
        <p className={styles.error} dir="auto" tabIndex={0}>
          {error || <span className={styles.quiet}>The engine left no message.</span>}
        </p>
      )}
    </Section>
  );
}
