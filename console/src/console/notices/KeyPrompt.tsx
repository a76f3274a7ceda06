import type { FormEvent } from "react";

import { Button, Field } from "../design";
import { type Refusal, useAccess } from "../gateway";
import styles from "./notices.module.css";
import { Notice } from "./Notice";

const COMMAND = "executions-gateway keys create NAME --scope read";

/** Asks for a key, when there is none or the gateway does not take it. */
export function KeyPrompt({ refusal }: { refusal: Refusal }) {
  const { hasKey, enter } = useAccess();

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("key")).trim();
    if (!key) return;
    event.currentTarget.reset();
    enter(key);
  }

  return (
    <Notice icon="key" title={refusal.title}>
      <p>Enter one here. It is kept in this tab, and forgotten when you close it.</p>
      <form className={styles.form} onSubmit={submit}>
        <Field
          label="API key"
          name="key"
          type="password"
          placeholder="egw_…"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          required
          problem={hasKey ? refusal.detail || "It opens nothing here." : undefined}
        />
        <Button kind="main" type="submit">
          Use key
        </Button>
      </form>
      <p className={styles.aside}>
        Whoever runs the gateway makes one with <code>{COMMAND}</code>
      </p>
    </Notice>
  );
}
