import { type FormEvent, useId, useState } from "react";

import { Button, Dialog, Field } from "../design";

interface Props {
  title: string;
  /** The name to begin with. */
  name: string;
  /** Names that other views have: the one with it would be replaced. */
  taken: readonly string[];
  onName(name: string): void;
  onClose(): void;
}

/** Asks for the name of a view. */
export function NameDialog({ title, name: before, taken, onName, onClose }: Props) {
  const [name, setName] = useState(before);
  const id = useId();
  const isTaken = taken.includes(name.trim());

  function submit(event: FormEvent) {
    event.preventDefault();
    if (name.trim() === "") return;
    onName(name.trim());
    onClose();
  }

  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit" form={id}>
            {isTaken ? "Replace" : "Save"}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit}>
        <Field
          label="Name"
          value={name}
          maxLength={60}
          onChange={({ target }) => setName(target.value)}
          hint={
            isTaken
              ? "There is a view with this name; it is replaced."
              : "Kept in this browser, and shown at the side."
          }
          autoComplete="off"
          autoFocus
          required
        />
      </form>
    </Dialog>
  );
}
