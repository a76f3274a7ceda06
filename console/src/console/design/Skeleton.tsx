import styles from "./marks.module.css";

interface Props {
  /** How wide what comes will be, as CSS; the whole width by default. */
  width?: string;
  /** How high, as CSS; a line of text by default. */
  height?: string;
}

/** Stands where something is loaded, in its size, so that nothing moves when it comes. */
export function Skeleton({ width = "100%", height = "0.75em" }: Props) {
  return <span className={styles.skeleton} style={{ inlineSize: width, blockSize: height }} />;
}
