import { type FormEvent, type Ref, useId, useRef } from "react";

interface Props {
  /** Told of the key that was entered; null when it is to be forgotten. */
  onKey(key: string | null): void;
  hasKey: boolean;
  /** The field, for whoever wants to put the focus there. */
  field?: Ref<HTMLInputElement>;
}

/** Where a person enters an API key. It leaves the form for nothing but `onKey`. */
export function KeyForm({ onKey, hasKey, field }: Props) {
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
        placeholder={hasKey ? "in use until this tab is closed" : "egw_…"}
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
