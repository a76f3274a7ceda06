import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { flushSync } from "react-dom";

import { useKept } from "../kept";
import { type KeyAction, KeyRegistry, nameOfKey } from "./keys";

interface Keys {
  registry: KeyRegistry;
  areOn: boolean;
  turn(areOn: boolean): void;
}

const Context = createContext<Keys | null>(null);

/** Runs the actions of `useKey` in it, unless the reader turned keys off. */
export function KeyProvider({ children }: { children: ReactNode }) {
  const [registry] = useState(() => new KeyRegistry());
  const [areOn, keep] = useKept("areKeysOn", isNotOff);

  useEffect(() => {
    if (!areOn) return;
    function press(event: KeyboardEvent) {
      if (event.defaultPrevented || isMeantForSomethingElse(event)) return;
      const key = nameOfKey(event);
      const action = key === null ? null : registry.find(key, event.timeStamp);
      if (!action) return;
      event.preventDefault();
      // What it changes is there before the next key, however fast they come.
      flushSync(() => action.run(event));
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [registry, areOn]);

  const keys = useMemo(
    () => ({ registry, areOn, turn: (isOn: boolean) => void keep(() => isOn) }),
    [registry, areOn, keep],
  );
  return <Context value={keys}>{children}</Context>;
}

function isNotOff(kept: unknown): boolean {
  return kept !== false;
}

/** Whether keys are on, and all actions that they run. */
export function useKeys(): Pick<Keys, "areOn" | "turn"> & { actions: readonly KeyAction[] } {
  const { registry, areOn, turn } = useOwn();
  const actions = useSyncExternalStore(
    (listener) => registry.subscribe(listener),
    () => registry.all(),
  );
  return { areOn, turn, actions };
}

/** Run an action by keys, as long as this is rendered. */
export function useKey(action: KeyAction): void {
  const { registry } = useOwn();
  const run = useEffectEvent((event: KeyboardEvent) => action.run?.(event));
  const { keys, name, group } = action;
  const isReady = action.run !== null;
  // Before anybody sees what it is for: they may press the key at once.
  useLayoutEffect(
    () => registry.add({ keys, name, group, run: isReady ? (event) => run(event) : null }),
    [registry, keys, name, group, isReady],
  );
}

function useOwn(): Keys {
  const keys = use(Context);
  if (!keys) throw new Error("This must be inside a KeyProvider");
  return keys;
}

/** Whether a key is typed into something, presses what has the focus, or is for what is above. */
function isMeantForSomethingElse({ target, key }: KeyboardEvent): boolean {
  if (document.querySelector("dialog:modal, [popover=auto]:popover-open")) return true;
  if (!(target instanceof HTMLElement)) return false;
  const isTyped = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
  if (target.matches(isTyped)) return true;
  const isPressed = key === "Enter" || key === " ";
  return isPressed && target.matches("a, button, input, summary, [role=button], [role=tab]");
}
