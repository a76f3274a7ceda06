import { type ReactNode, useEffect, useRef, useState } from "react";

import { useAddress } from "./address";
import { LostConnection, OutdatedPage } from "./notices";
import { IconButton } from "./design";
import styles from "./frame.module.css";
import { KeyHelp } from "./keyboard";
import { Brand } from "./rail/Brand";
import { Rail } from "./rail/Rail";
import { useRailKeys } from "./rail/useRailKeys";

interface Props {
  children: ReactNode;
  /** What is open beside the view. */
  beside: ReactNode;
}

/** What is around every view: the rail, which narrow windows keep behind a button, and notices. */
export function Frame({ children, beside }: Props) {
  const { view } = useAddress();
  const main = useRef<HTMLElement>(null);
  const [areKeysShown, showKeys] = useState(false);
  const [isRailOpen, openRail] = useState(false);
  const shown = useRef(view);
  useRailKeys();

  useEffect(() => {
    if (shown.current === view) return;
    shown.current = view;
    main.current?.focus();
  }, [view]);

  const rail = <Rail view={view} onKeys={() => showKeys(true)} />;
  return (
    <div className={styles.frame}>
      <a
        href="#view"
        className={styles.skip}
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the view
      </a>
      <header className={styles.side}>{rail}</header>
      <header className={styles.top}>
        <IconButton icon="menu" label="Menu" onClick={() => openRail(true)} />
        <Brand />
      </header>
      {isRailOpen && <RailSheet onClose={() => openRail(false)}>{rail}</RailSheet>}
      <div className={styles.content}>
        <OutdatedPage />
        <LostConnection />
        <div className={styles.views}>
          <main ref={main} id="view" tabIndex={-1} className={styles.view}>
            {children}
          </main>
          {beside}
        </div>
      </div>
      <KeyHelp isOpen={areKeysShown} onChange={showKeys} />
    </div>
  );
}

/** The rail over the view, until something is chosen in it. */
function RailSheet({ children, onClose }: { children: ReactNode; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={styles.sheet}
      aria-label="Menu"
      onClose={onClose}
      onClick={({ target }) => {
        const isChosen = target instanceof Element && target.closest("a") !== null;
        if (target === dialog.current || isChosen) onClose();
      }}
    >
      {children}
    </dialog>
  );
}
