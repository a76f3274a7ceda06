import { type ReactNode, useId, useRef, useState } from "react";

import { type Placement, useAnchor } from "./anchor";
import styles from "./overlays.module.css";

interface Trigger {
  "aria-expanded": boolean;
  "aria-controls": string;
  onClick(): void;
}

interface Props {
  /** What opens and closes it, usually a button: it gets these attributes. */
  trigger(attributes: Trigger): ReactNode;
  /** What is in it; rendered while it is open. */
  children(close: () => void): ReactNode;
  placement?: Placement;
  label: string;
}

/** Something small beside its button. It closes by Escape, and by a click anywhere else. */
export function Popover({ trigger, children, placement, label }: Props) {
  const id = useId();
  const anchor = useRef<HTMLSpanElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const wasOpenAtPress = useRef(false);
  useAnchor(anchor, popover, isOpen, placement);

  const close = () => popover.current?.hidePopover();

  return (
    <span
      ref={anchor}
      className={styles.anchor}
      onPointerDown={() => {
        // The press closes it by itself, so that the click must not open it again.
        wasOpenAtPress.current = isOpen;
      }}
    >
      {trigger({
        "aria-expanded": isOpen,
        "aria-controls": id,
        onClick: () => {
          if (!wasOpenAtPress.current) popover.current?.togglePopover();
          wasOpenAtPress.current = false;
        },
      })}
      <div
        ref={popover}
        id={id}
        popover="auto"
        role="group"
        aria-label={label}
        className={styles.popover}
        onToggle={({ newState }) => setOpen(newState === "open")}
      >
        {isOpen && children(close)}
      </div>
    </span>
  );
}
