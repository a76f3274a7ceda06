import { Explained } from "../design";
import { type Connection, useConnection } from "../gateway";
import styles from "./rail.module.css";

const WORDS: Record<Connection["state"], string> = {
  idle: "Not live",
  connecting: "Connecting …",
  connected: "Live",
  lost: "Connection lost",
  refused: "Not live",
};

/** Whether changes arrive as they happen. Nothing is said where nothing is followed. */
export function LiveItem() {
  const connection = useConnection();
  const { state } = connection;
  if (state === "idle") return null;
  const why =
    state === "refused" ? `${connection.refusal.title} ${connection.refusal.detail}` : undefined;
  return (
    <p className={styles.fact}>
      <span className={`${styles.dot} ${styles[state]}`} />
      <Explained text={why}>{WORDS[state]}</Explained>
    </p>
  );
}
