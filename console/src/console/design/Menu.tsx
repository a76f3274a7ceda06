import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";

import type { Placement } from "./anchor";
import { Icon, type IconName } from "./Icon";
import { KeyHint } from "./KeyHint";
import styles from "./overlays.module.css";
import { Popover } from "./Popover";

/** Something to choose in a menu. */
export interface MenuItem {
  name: string;
  icon?: IconName;
  /** The keys that do the same, to be shown with it. */
  keys?: string;
  /** Why it can't be chosen now. */
  off?: string | undefined;
  /** What else there is to say of it. */
  note?: ReactNode;
  /** Whether it is on, for what can be on or off. */
  isChecked?: boolean;
  isDangerous?: boolean;
  /** Leaves the menu open, for what people choose several of. */
  staysOpen?: boolean;
  choose(): void;
}

interface Props {
  label: string;
  /** The button that opens it: it gets these attributes. */
  trigger: Parameters<typeof Popover>[0]["trigger"];
  items: readonly MenuItem[];
  placement?: Placement;
  /** Above the items. */
  head?: ReactNode;
}

/** A button with a menu. The arrow keys move in it, and the first letter of an item finds it. */
export function Menu({ label, trigger, items, placement, head }: Props) {
  return (
    <Popover label={label} trigger={trigger} {...(placement && { placement })}>
      {(close) => (
        <>
          {head && <div className={styles.menuHead}>{head}</div>}
          <Items label={label} items={items} close={close} />
        </>
      )}
    </Popover>
  );
}

function Items({ label, items, close }: Pick<Props, "label" | "items"> & { close(): void }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector<HTMLElement>("button")?.focus(), []);

  function move(event: KeyboardEvent) {
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const to = {
      ArrowDown: (at + 1) % buttons.length,
      ArrowUp: (at - 1 + buttons.length) % buttons.length,
      Home: 0,
      End: buttons.length - 1,
    }[event.key];
    const found = to ?? beginningWith(event.key, buttons, at);
    if (found === undefined) return;
    event.preventDefault();
    buttons[found]?.focus();
  }

  return (
    <div ref={list} role="menu" aria-label={label} className={styles.menu} onKeyDown={move}>
      {items.map((item) => (
        <button
          key={item.name}
          type="button"
          role={item.isChecked === undefined ? "menuitem" : "menuitemcheckbox"}
          aria-checked={item.isChecked}
          aria-disabled={item.off !== undefined || undefined}
          title={item.off}
          className={`${styles.item} ${item.isDangerous ? styles.dangerous : ""}`}
          onClick={() => {
            if (item.off !== undefined) return;
            if (!item.staysOpen) close();
            item.choose();
          }}
        >
          <span className={styles.itemIcon}>
            {item.isChecked ? <Icon name="check" /> : item.icon && <Icon name={item.icon} />}
          </span>
          <span className={styles.itemName}>
            {item.name}
            {item.off !== undefined && <small className={styles.why}>{item.off}</small>}
            {item.note && <small className={styles.why}>{item.note}</small>}
          </span>
          {item.keys && <KeyHint keys={item.keys} />}
        </button>
      ))}
    </div>
  );
}

function beginningWith(key: string, buttons: HTMLElement[], at: number): number | undefined {
  if (key.length !== 1 || key === " ") return undefined;
  const order = buttons.map((_, index) => (at + 1 + index) % buttons.length);
  return order.find((index) =>
    buttons[index]?.textContent?.toLowerCase().startsWith(key.toLowerCase()),
  );
}
