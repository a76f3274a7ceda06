import {
  createContext,
  type ReactNode,
  use,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";

import { Button, IconButton } from "./Button";
import { Icon } from "./Icon";
import styles from "./overlays.module.css";

const SHOWN_FOR_MS = 6_000;
/** There is something to do, which takes reading and aiming. */
const SHOWN_WITH_ACTION_FOR_MS = 15_000;
const MOST = 3;

/** Something that happened, in a sentence. */
export interface Toast {
  text: string;
  /** Whether it is something that went wrong; it then stays until it is closed. */
  isProblem?: boolean;
  action?: { name: string; run(): void };
}

interface Shown extends Toast {
  id: number;
}

const Context = createContext<(toast: Toast | string) => void>(() => undefined);

/** Say what happened, at the edge of the page, also to screen readers. */
export function useToast(): (toast: Toast | string) => void {
  return use(Context);
}

/** Shows what is said by `useToast` in it. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Shown[]>([]);
  const count = useRef(0);
  const list = useRef<HTMLDivElement>(null);

  const say = useCallback((toast: Toast | string) => {
    const said = typeof toast === "string" ? { text: toast } : toast;
    count.current += 1;
    const id = count.current;
    setToasts((before) => [...before, { ...said, id }].slice(-MOST));
  }, []);
  const close = useCallback((id: number) => {
    setToasts((before) => before.filter((toast) => toast.id !== id));
  }, []);

  useEffect(() => {
    // Shown anew, it is above whatever dialog was opened since.
    list.current?.hidePopover();
    if (toasts.length > 0) list.current?.showPopover();
  }, [toasts]);

  return (
    <Context value={say}>
      {children}
      <div
        ref={list}
        popover="manual"
        role="region"
        aria-label="Messages"
        className={styles.toasts}
      >
        {toasts.map((toast) => (
          <ShownToast key={toast.id} toast={toast} onClose={close} />
        ))}
      </div>
      <div role="status" className="visually-hidden">
        {toasts
          .filter(({ isProblem }) => !isProblem)
          .map(({ id, text }) => (
            <p key={id}>{text}</p>
          ))}
      </div>
      <div role="alert" className="visually-hidden">
        {toasts
          .filter(({ isProblem }) => isProblem)
          .map(({ id, text }) => (
            <p key={id}>{text}</p>
          ))}
      </div>
    </Context>
  );
}

function ShownToast({ toast, onClose }: { toast: Shown; onClose(id: number): void }) {
  const { id, text, isProblem, action } = toast;
  const [isHeld, setHeld] = useState(false);

  useEffect(() => {
    if (isHeld || isProblem) return;
    const time = action ? SHOWN_WITH_ACTION_FOR_MS : SHOWN_FOR_MS;
    const timer = setTimeout(() => onClose(id), time);
    return () => clearTimeout(timer);
  }, [isHeld, isProblem, action, id, onClose]);

  return (
    <div
      className={styles.toast}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {isProblem && <Icon name="warning" />}
      <span className={styles.said}>{text}</span>
      {action && (
        <Button
          kind="quiet"
          onClick={() => {
            onClose(id);
            action.run();
          }}
        >
          {action.name}
        </Button>
      )}
      <IconButton icon="close" label="Close" onClick={() => onClose(id)} />
    </div>
  );
}
