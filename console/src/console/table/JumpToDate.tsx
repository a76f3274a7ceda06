import { type FormEvent, useRef, useState } from "react";

import { Button, Field, IconButton, Popover } from "../design";
import { useKey } from "../keyboard";
import { useGrid } from "../list/useList";
import { boundsOf, parseRange, useZone } from "../time";
import styles from "./table.module.css";

/** Goes to the executions of a day, wherever they are in the list. */
export function JumpToDate() {
  const { question } = useGrid();
  const isOff = question.order.key !== "created" || !question.asked;
  const off = isOff ? "The list is not in the order of creation" : undefined;
  const button = useRef<HTMLButtonElement>(null);
  useKey({
    keys: "d",
    name: "Jump to a date",
    group: "List",
    run: isOff ? null : () => button.current?.click(),
  });
  return (
    <Popover
      label="Jump to a date"
      placement={{ align: "end" }}
      trigger={(attributes) => (
        <IconButton
          ref={button}
          icon="clock"
          label="Jump to a date"
          keys="d"
          off={off}
          {...(!isOff && attributes)}
        />
      )}
    >
      {(close) => <DayForm onDone={close} />}
    </Popover>
  );
}

function DayForm({ onDone }: { onDone(): void }) {
  const { store, question } = useGrid();
  const zone = useZone();
  const [day, setDay] = useState("");

  function submit(event: FormEvent) {
    event.preventDefault();
    const range = parseRange(`${day}..${day}`, zone);
    if (!range) return;
    const { from, until } = boundsOf(range, Date.now());
    if (from === null || until === null) return;
    onDone();
    const { isDescending } = question.order;
    store.jump(new Date(isDescending ? until - 1 : from), isDescending);
  }

  return (
    <form className={styles.jump} onSubmit={submit}>
      <Field
        label="Day"
        type="date"
        value={day}
        max="9999-12-31"
        onChange={({ target }) => setDay(target.value)}
        hint={`In ${zone}`}
        required
        autoFocus
      />
      <Button kind="main" type="submit">
        Jump
      </Button>
    </form>
  );
}
