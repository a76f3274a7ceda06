import type { ComponentPropsWithRef, MouseEvent } from "react";

import styles from "./controls.module.css";
import { Icon, type IconName } from "./Icon";
import { KeyHint } from "./KeyHint";
import { Tooltip } from "./Tooltip";

type Attributes = Omit<ComponentPropsWithRef<"button">, "disabled">;

interface ButtonProps extends Attributes {
  /** How much it wants to be pressed; plain by default. */
  kind?: "plain" | "main" | "danger" | "quiet";
  icon?: IconName;
  /** Why it can't be pressed now; it is then off, can still be reached, and says so. */
  off?: string | undefined;
  /** The keys that do the same, to be shown with it. */
  keys?: string;
}

/** A button with a word on it. */
export function Button({ kind = "plain", icon, off, keys, children, ...attributes }: ButtonProps) {
  return (
    <Tooltip text={off}>
      {(describedBy) => (
        <button
          type="button"
          {...switchedOff(off, describedBy, attributes)}
          className={`${styles.button} ${styles[kind]} ${attributes.className ?? ""}`}
        >
          {icon && <Icon name={icon} />}
          {children}
          {keys && <KeyHint keys={keys} />}
        </button>
      )}
    </Tooltip>
  );
}

interface IconButtonProps extends Omit<ButtonProps, "kind" | "icon" | "children"> {
  icon: IconName;
  /** What it does, in words. */
  label: string;
}

/** A button that is an icon alone; its label is read, and shown when the mouse is over it. */
export function IconButton({ icon, label, off, keys, ...attributes }: IconButtonProps) {
  return (
    <Tooltip
      text={off ? `${label}: ${off}` : label}
      hint={keys && !off && <KeyHint keys={keys} />}
      isLabel={!off}
    >
      {(describedBy) => (
        <button
          type="button"
          aria-label={label}
          {...switchedOff(off, describedBy, attributes)}
          className={`${styles.button} ${styles.quiet} ${styles.iconOnly} ${attributes.className ?? ""}`}
        >
          <Icon name={icon} />
        </button>
      )}
    </Tooltip>
  );
}

/** The attributes of a button; one that is off stays reachable, so that it can say why. */
function switchedOff(
  off: string | undefined,
  describedBy: string | undefined,
  attributes: Attributes,
): Attributes {
  if (off === undefined) return attributes;
  return {
    ...attributes,
    "aria-disabled": true,
    "aria-describedby": describedBy,
    onClick: (event: MouseEvent) => event.preventDefault(),
  };
}
