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
  /** Whether it is told at once to who can't see it. */
  isAlert?: boolean;
}

/** Says, in the place of what is not there, why that is so. */
export function Notice({ title, children, icon, actions, isAlert = false }: Props) {
  return (
    <div className={styles.notice} role={isAlert ? "alert" : undefined}>
      {icon && (
        <span className={styles.sign}>
          <Icon name={icon} />
        </span>
      )}
      <h2 className={styles.title}>{title}</h2>
      {children && <div className={styles.words}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
