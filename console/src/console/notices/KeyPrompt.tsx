import { Button } from "../design";
import { type Refusal, useAccess } from "../gateway";
import { KeyForm } from "./KeyForm";
import styles from "./notices.module.css";
import { Notice } from "./Notice";

const COMMAND = "executions-gateway keys create NAME --scope read";

/** Asks for a key, when there is none or the gateway does not take it. */
export function KeyPrompt({ refusal }: { refusal: Refusal }) {
  const { hasKey, enter } = useAccess();
  return (
    <Notice icon="key" title={refusal.title} isView>
      <p>Enter one here. It is kept in this tab, and forgotten when you close it.</p>
      <KeyForm
        className={styles.form}
        onKey={enter}
        problem={hasKey ? refusal.detail || "It opens nothing here." : undefined}
      >
        <Button kind="main" type="submit">
          Use key
        </Button>
      </KeyForm>
      <p className={styles.aside}>
        Whoever runs the gateway makes one with <code>{COMMAND}</code>
      </p>
    </Notice>
  );
}
