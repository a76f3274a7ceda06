import type { ReactNode } from "react";

import { Tooltip } from "./Tooltip";
import styles from "./overlays.module.css";

interface Props {
  /** What it means; nothing more is said if there is none. */
  text: string | undefined;
  children: ReactNode;
}

/** Words that say more of themselves: by mouse, by keyboard and by a tap. */
export function Explained({ text, children }: Props) {
  if (text === undefined) return children;
  return (
    <Tooltip text={text}>
      {(describedBy) => (
        <button type="button" className={styles.explained} aria-describedby={describedBy}>
          {children}
        </button>
      )}
    </Tooltip>
  );
}
