import { useFormats, useNow } from "../time";
import styles from "./table.module.css";

/** For how long something has been running: it counts by itself, and nothing else renders. */
export function RunningFor({ since }: { since: string }) {
  const formats = useFormats();
  const passed = Math.max(0, useNow() - Date.parse(since));
  return <span className={styles.running}>{formats.duration(passed - (passed % 1000))}</span>;
}
