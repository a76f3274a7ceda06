import type { ReactNode } from "react";

import { Icon, Menu, type MenuItem, Popover } from "../design";
import styles from "./filter.module.css";

interface Props {
  /** What it is about. */
  name: string;
  /** What is chosen, in words; null for nothing. */
  value: string | null;
  onClear(): void;
  /** What opens: these items, or anything. */
  items?: readonly MenuItem[];
  children?: ReactNode;
}

/** A button that opens the choices of a condition, and shows and takes back what was chosen. */
export function MenuChip({ name, value, onClear, items, children }: Props) {
  const isSet = value !== null;
  const trigger: Parameters<typeof Popover>[0]["trigger"] = (attributes) => (
    <button type="button" className={styles.trigger} {...attributes}>
      {name}
      {isSet ? <span className={styles.value}>{value}</span> : <Icon name="down" />}
    </button>
  );
  return (
    <span className={`${styles.chip} ${isSet ? styles.set : ""}`}>
      {items ? (
        <Menu label={name} trigger={trigger} items={items} />
      ) : (
        <Popover label={name} trigger={trigger}>
          {() => children}
        </Popover>
      )}
      {isSet && (
        <button
          type="button"
          className={styles.clear}
          aria-label={`Drop the condition on ${name.toLowerCase()}`}
          onClick={onClear}
        >
          <Icon name="close" />
        </button>
      )}
    </span>
  );
}
