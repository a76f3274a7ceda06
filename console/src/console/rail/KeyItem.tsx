import { useId, useState } from "react";

import { Button, Dialog, Icon, Menu } from "../design";
import { useAccess, useViewer } from "../gateway";
import { KeyForm } from "../notices";
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
  const form = useId();
  return (
    <Dialog
      title="Use another key"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit" form={form}>
            Use key
          </Button>
        </>
      }
    >
      <KeyForm
        id={form}
        onKey={(key) => {
          onClose();
          enter(key);
        }}
        hint="Kept in this tab, and forgotten when you close it."
      />
    </Dialog>
  );
}
