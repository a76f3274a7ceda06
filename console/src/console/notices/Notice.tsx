import type { ReactNode } from "react";

import { Icon, type IconName } from "../design";
import styles from "./notices.module.css";

interface Props {
  title: string;
  /** What it means, and what can be done. */
  children?: ReactNode;
  icon?: IconName;
  /** Buttons and links. */
  actions?: ReactNode;
  /** Whether it stands in the place of a whole view, whose heading it then has. */
  isView?: boolean;
  /** Whether it is told at once to who can't see it. */
  isAlert?: boolean;
}

/** Says, in the place of what is not there, why that is so. */
export function Notice({ title, children, icon, actions, isView, isAlert }: Props) {
  const Heading = isView ? "h1" : "h2";
  return (
    <div className={styles.notice} role={isAlert ? "alert" : undefined}>
      {icon && (
        <span className={styles.sign}>
          <Icon name={icon} />
        </span>
      )}
      <Heading className={styles.title}>{title}</Heading>
      {children && <div className={styles.words}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
