import { type ReactNode, useEffect, useId, useRef, useState } from "react";

import { useAnchor } from "./anchor";
import styles from "./overlays.module.css";

const SHOWN_AFTER_MS = 350;
/** How long a tap shows it, which has no end as a mouse that leaves has. */
const SHOWN_BY_TAP_FOR_MS = 4_000;

interface Props {
  /** What it says; nothing is shown if there is none. */
  text: string | undefined;
  /** Beside the text, such as the keys of the action. */
  hint?: ReactNode;
  /** Whether the text is a label that what it belongs to has already. */
  isLabel?: boolean;
  /** What it belongs to; it gets the id of the text, to be described by it. */
  children(describedBy: string | undefined): ReactNode;
}

/** Says more of something while the mouse is over it, or the focus in it. Escape hides it. */
export function Tooltip({ text, hint, isLabel = false, children }: Props) {
  const id = useId();
  const anchor = useRef<HTMLSpanElement>(null);
  const popover = useRef<HTMLSpanElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [isNear, setNear] = useState(false);
  useAnchor(anchor, popover, isOpen, { align: "centre" });

  useEffect(() => {
    if (!isNear || text === undefined) return;
    const timer = setTimeout(() => setOpen(true), SHOWN_AFTER_MS);
    function hide(event: KeyboardEvent) {
      if (event.key === "Escape") setOpen(false);
    }
    addEventListener("keydown", hide);
    return () => {
      clearTimeout(timer);
      removeEventListener("keydown", hide);
      setOpen(false);
    };
  }, [isNear, text]);

  useEffect(() => {
    popover.current?.togglePopover(isOpen);
    if (!isOpen || isNear) return;
    const timer = setTimeout(() => setOpen(false), SHOWN_BY_TAP_FOR_MS);
    return () => clearTimeout(timer);
  }, [isOpen, isNear]);

  if (text === undefined) return children(undefined);
  return (
    <span
      ref={anchor}
      className={styles.anchor}
      onPointerEnter={({ pointerType }) => setNear(pointerType !== "touch")}
      onPointerLeave={() => setNear(false)}
      onFocus={({ target }) => setNear(target.matches(":focus-visible"))}
      onBlur={() => setNear(false)}
      onClick={() => setOpen(!isLabel)}
    >
      {children(isLabel ? undefined : id)}
      <span ref={popover} id={id} role="tooltip" popover="manual" className={styles.tooltip}>
        {text}
        {hint}
      </span>
    </span>
  );
}
