import type { FormEvent, ReactNode } from "react";

import { Field } from "../design";

interface Props {
  /** Called with what was entered, without spaces around it; never empty. */
  onKey(key: string): void;
  hint?: string;
  /** What is wrong with the key that was entered before. */
  problem?: string | undefined;
  /** For a button elsewhere that sends it. */
  id?: string;
  className?: string | undefined;
  children?: ReactNode;
}

/** A form to enter an API key. */
export function KeyForm({ onKey, hint, problem, children, ...attributes }: Props) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("key")).trim();
    if (!key) return;
    event.currentTarget.reset();
    onKey(key);
  }

  return (
    <form onSubmit={submit} {...attributes}>
      <Field
        label="API key"
        name="key"
        type="password"
        placeholder="egw_…"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        required
        hint={hint}
        problem={problem}
      />
      {children}
    </form>
  );
}
