import { useState } from "react";

import { Dialog, KeyHint } from "../design";
import styles from "./keyboard.module.css";
import { useKey, useKeys } from "./KeyProvider";
import type { KeyAction } from "./keys";

/** The list of all keys, which `?` opens. */
export function KeyHelp({
  isOpen,
  onChange,
}: {
  isOpen: boolean;
  onChange(isOpen: boolean): void;
}) {
  useKey({ keys: "?", name: "Show all shortcuts", group: "Everywhere", run: () => onChange(true) });
  return isOpen && <AllKeys onClose={() => onChange(false)} />;
}

function AllKeys({ onClose }: { onClose(): void }) {
  const { actions, areOn, turn } = useKeys();
  // What was there when it was opened; a dialog is no place for things to move.
  const [groups] = useState(() => [...groupsOf(actions)]);
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div className={styles.groups}>
        {groups.map(([group, members]) => (
          <section key={group}>
            <h3 className={styles.group}>{group}</h3>
            <dl>
              {members.map(({ keys, name }) => (
                <div key={`${keys} ${name}`} className={styles.action}>
                  <dt>{name}</dt>
                  <dd>
                    <KeyHint keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className={styles.turn}>
        <input type="checkbox" checked={areOn} onChange={({ target }) => turn(target.checked)} />
        Shortcuts are on. Turn them off if they get in the way of how you use your browser.
      </label>
    </Dialog>
  );
}

function groupsOf(actions: readonly KeyAction[]): Map<string, KeyAction[]> {
  const groups = new Map<string, KeyAction[]>([["Everywhere", []]]);
  for (const action of [...actions].reverse()) {
    groups.set(action.group, [...(groups.get(action.group) ?? []), action]);
  }
  return groups;
}
