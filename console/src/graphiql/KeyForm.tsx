import { type FormEvent, type Ref, useId, useRef } from "react";

/** What becomes of a key that is entered, as far as it is known. */
export type KeyUse = "needed" | "not needed" | "taken" | "refused";

const HINTS: Record<KeyUse, string> = {
  needed: "egw_…",
  "not needed": "not needed by this gateway",
  taken: "in use until this tab is closed",
  refused: "not taken; enter another one",
};

interface Props {
  /** Told of the key that was entered; null when it is to be forgotten. */
  onKey(key: string | null): void;
  hasKey: boolean;
  use: KeyUse;
  /** The field, for whoever wants to put the focus there. */
  field?: Ref<HTMLInputElement>;
}

/** Where a person enters an API key. It leaves the form for nothing but `onKey`. */
export function KeyForm({ onKey, hasKey, use, field }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const id = useId();

  function submit(event: FormEvent) {
    event.preventDefault();
    const key = String(new FormData(form.current!).get("key")).trim();
    if (!key) return;
    form.current!.reset();
    onKey(key);
  }

  return (
    <form ref={form} className="key" onSubmit={submit}>
      <label htmlFor={id}>API key</label>
      <input
        ref={field}
        id={id}
        name="key"
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder={HINTS[use]}
      />
      <button type="submit">Use key</button>
      {hasKey && (
        <button type="button" onClick={() => onKey(null)}>
          Forget key
        </button>
      )}
    </form>
  );
}
