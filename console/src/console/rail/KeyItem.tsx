import { type FormEvent, useState } from "react";

import { Button, Dialog, Field, Icon, Menu } from "../design";
import { useAccess, useViewer } from "../gateway";
import styles from "./rail.module.css";

/** With which key the page reads, and what it allows. There is nothing where none is needed. */
export function KeyItem() {
  const { hasKey, forget } = useAccess();
  const { viewer } = useViewer();
  const [isEntering, setEntering] = useState(false);
  if (!hasKey) return null;
  const name = viewer?.name ?? "Key";
  return (
    <>
      <Menu
        label="Key"
        placement={{ isAbove: true }}
        trigger={(attributes) => (
          <button
            type="button"
            className={styles.item}
            aria-label={viewer?.name ? `Key: ${viewer.name}` : "Key of this tab"}
            {...attributes}
          >
            <Icon name="key" />
            <span className={styles.name}>{name}</span>
          </button>
        )}
        head={
          viewer && (
            <>
              <strong>{name}</strong>
              <p className={styles.scopes}>
                May{" "}
                {new Intl.ListFormat("en").format(
                  viewer.scopes.map((scope) => scope.toLowerCase()),
                )}
                {viewer.workspaceId !== null && <> in the workspace {viewer.workspaceId}</>}
              </p>
            </>
          )
        }
        items={[
          { name: "Use another key", icon: "key", choose: () => setEntering(true) },
          { name: "Forget this key", icon: "close", choose: forget },
        ]}
      />
      {isEntering && <OtherKey onClose={() => setEntering(false)} />}
    </>
  );
}

function OtherKey({ onClose }: { onClose(): void }) {
  const { enter } = useAccess();

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("key")).trim();
    if (!key) return;
    onClose();
    enter(key);
  }

  return (
    <Dialog
      title="Use another key"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit" form="other-key">
            Use key
          </Button>
        </>
      }
    >
      <form id="other-key" onSubmit={submit}>
        <Field
          label="API key"
          name="key"
          type="password"
          placeholder="egw_…"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          required
          hint="Kept in this tab, and forgotten when you close it."
        />
      </form>
    </Dialog>
  );
}
