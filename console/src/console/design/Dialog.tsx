import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from "react";

import { IconButton } from "./Button";
import styles from "./overlays.module.css";

interface Props {
  title: string;
  /** Closed by its button, Escape, or a click beside it. */
  onClose(): void;
  children: ReactNode;
  /** Buttons at its end; the main one last. */
  actions?: ReactNode;
  /** Keeps it open, and the page too, while something runs that must not be left alone. */
  isHeld?: boolean;
  width?: "narrow" | "wide";
}

/**
 * A dialog over the page, as long as it is rendered. The focus stays in it, begins at its first
 * field or at what has `autoFocus`, and returns to where it was.
 */
export function Dialog({ title, onClose, children, actions, isHeld, width = "narrow" }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();

  // Closed while it is still on the page, it gives the focus back.
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Rather than at the button that closes it, which is all that some have.
    if (document.activeElement?.matches("[data-closes]")) {
      (shown?.querySelector<HTMLElement>("input, select, textarea") ?? shown)?.focus();
    }
    return () => shown?.close();
  }, []);

  useEffect(() => {
    if (!isHeld) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isHeld]);

  return (
    <dialog
      ref={dialog}
      tabIndex={-1}
      className={`${styles.dialog} ${styles[width]}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isHeld) onClose();
      }}
      onPointerDown={({ target }) => {
        if (target === dialog.current && !isHeld) onClose();
      }}
    >
      <div className={styles.sheet}>
        <div className={styles.head}>
          <h2 id={id}>{title}</h2>
          <IconButton
            icon="close"
            label="Close"
            data-closes
            onClick={onClose}
            {...(isHeld && { off: "Wait until this is done" })}
          />
        </div>
        <div className={styles.content}>{children}</div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
    </dialog>
  );
}
