import { type FormEvent, useState } from "react";

import { Button, Field, Icon, StateMark, STATES } from "../design";
import { useFormats } from "../time";
import { type Action, ACTIONS } from "./action";
import styles from "./acting.module.css";
import { type Plan, UNTYPED } from "./plan";
import { are, executions } from "./words";

interface Props {
  action: Action;
  plan: Plan;
  /** The id of the form, which a button elsewhere sends. */
  form: string;
  onConfirm(): void;
}

/** Says what would happen to which executions. */
export function Confirmation({ action, plan, form, onConfirm }: Props) {
  const formats = useFormats();
  const [typed, setTyped] = useState("");
  const [isWrong, setWrong] = useState(false);
  const { state } = ACTIONS[action];
  const { count } = plan.work;
  const isTyped = count > UNTYPED;

  function submit(event: FormEvent) {
    event.preventDefault();
    // People write numbers as they see them, with separators, or without.
    const number = typed.replace(/[^\p{L}\p{N}]/gu, "");
    if (isTyped && number !== String(count)) setWrong(true);
    else onConfirm();
  }

  if (count === 0) {
    return (
      <div className={styles.words}>
        <p>{nothingToDo(plan, state !== null)}</p>
        <States plan={plan} />
      </div>
    );
  }
  return (
    <form id={form} onSubmit={submit} className={styles.words}>
      <States plan={plan} />
      {state && (
        <p>
          In progress becomes <StateMark state={state} />. This is what is written of them: an
          engine goes on unless it looks.
        </p>
      )}
      <Left plan={plan} isChange={state !== null} />
      {state === null ? (
        <p className={styles.warning}>
          <Icon name="warning" />
          Their data goes with them. This can’t be undone.
        </p>
      ) : (
        <p className={styles.quiet}>
          {"guids" in plan.work.on
            ? "You can undo this afterwards."
            : "These are too many to be undone from here."}
        </p>
      )}
      {isTyped && (
        <Field
          label={`Type ${formats.number(count)} to confirm`}
          value={typed}
          inputMode="numeric"
          autoComplete="off"
          autoFocus
          onChange={({ target }) => {
            setTyped(target.value);
            setWrong(false);
          }}
          problem={isWrong ? `This is not ${formats.number(count)}` : undefined}
        />
      )}
    </form>
  );
}

/** The buttons below it: the safe one has the focus if the other can't be undone. */
export function ConfirmationActions({
  action,
  plan,
  form,
  onClose,
}: Omit<Props, "onConfirm"> & { onClose(): void }) {
  const formats = useFormats();
  const { verb, state } = ACTIONS[action];
  const { count } = plan.work;
  if (count === 0) {
    return (
      <Button kind="main" autoFocus onClick={onClose}>
        Close
      </Button>
    );
  }
  const isTyped = count > UNTYPED;
  return (
    <>
      <Button onClick={onClose} autoFocus={state === null && !isTyped}>
        Cancel
      </Button>
      <Button
        kind={state === null ? "danger" : "main"}
        type="submit"
        form={form}
        autoFocus={state !== null && !isTyped}
      >
        {verb} {executions(count, formats)}
      </Button>
    </>
  );
}

/** How many of the chosen ones are in which state. */
function States({ plan: { states } }: { plan: Plan }) {
  const { number } = useFormats();
  const present = STATES.filter((state) => (states.get(state) ?? 0) > 0);
  if (present.length === 0) return null;
  return (
    <ul className={styles.states}>
      {present.map((state) => (
        <li key={state}>
          <StateMark state={state} />
          <span>{number(states.get(state) ?? 0)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Which of the chosen ones it does not reach, and why. */
function Left({ plan, isChange }: { plan: Plan; isChange: boolean }) {
  const { target, found, work } = plan;
  const formats = useFormats();
  const gone = Math.max(0, target.count - found);
  const ended = isChange ? Math.max(0, found - work.count) : 0;
  return (
    <>
      {ended > 0 && (
        <p className={styles.quiet}>
          {formats.number(ended)} of the chosen ones {are(ended)} not in progress, and{" "}
          {ended === 1 ? "stays as it is" : "stay as they are"}.
        </p>
      )}
      {gone > 0 && (
        <p className={styles.quiet}>
          {formats.number(gone)} of the chosen ones{" "}
          {target.asOf ? "changed since you chose them, and are left out" : `${are(gone)} gone`}.
        </p>
      )}
      {target.asOf && (
        <p className={styles.quiet}>
          These are all that matched at {formats.time(target.asOf.getTime())}. What came or changed
          since is left as it is.
        </p>
      )}
    </>
  );
}

function nothingToDo({ target, found }: Plan, isChange: boolean): string {
  if (found === 0) return "The chosen executions are gone, or changed since you chose them.";
  if (!isChange) return "There is nothing to delete.";
  return target.count === 1 ? "It is not in progress." : "None of them is in progress.";
}
