import { type Condition, useCondition } from "../gateway";
import styles from "./rail.module.css";

const WORDS: Record<Condition["state"], string> = {
  idle: "Not live",
  connecting: "Connecting …",
  connected: "Live",
  lost: "Connection lost",
};

/** Whether changes arrive as they happen. Nothing is said where nothing is followed. */
export function LiveItem() {
  const { state } = useCondition();
  if (state === "idle") return null;
  return (
    <p className={styles.fact}>
      <span className={`${styles.dot} ${styles[state]}`} />
      {WORDS[state]}
    </p>
  );
}
