import { type FormEvent, useState } from "react";

import { Button, Field, Icon, StateMark, STATES } from "../design";
import type { ExecutionState } from "../generated/graphql";
import { useFormats } from "../time";
import { type Action, ACTIONS } from "./action";
import styles from "./acting.module.css";
import { type Plan, UNTYPED } from "./plan";
import { are } from "./words";

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
    const isIt = [String(count), formats.number(count)].map(plain).includes(plain(typed));
    if (isTyped && !isIt) setWrong(true);
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
      {state ? <Becomes plan={plan} state={state} /> : <States plan={plan} />}
      <Left plan={plan} />
      {state === null ? (
        <p className={styles.warning}>
          <Icon name="warning" />
          Their data goes with them. This can’t be undone.
        </p>
      ) : (
        <p className={styles.quiet}>
          This changes the state that is recorded; an engine may go on running.{" "}
          {plan.work.kind === "update"
            ? "You can undo it afterwards."
            : "So many can’t be undone from here."}
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

/** A number without its separators. People write it as they see it, with them or without. */
function plain(number: string): string {
  return number.replace(/[^\p{L}\p{N}]/gu, "");
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
        {verb} {formats.executions(count)}
      </Button>
    </>
  );
}

/** How many change their state, and which ones do not. */
function Becomes({ plan, state }: { plan: Plan; state: ExecutionState }) {
  const { number } = useFormats();
  const others = STATES.filter((each) => each !== "INPROGRESS" && plan.states.get(each));
  return (
    <>
      <p className={styles.becomes}>
        <StateMark state="INPROGRESS" />
        <strong>{number(plan.work.count)}</strong>
        <span className={styles.arrow}>
          <Icon name="forward" />
        </span>
        <span className="visually-hidden">become</span>
        <StateMark state={state} />
      </p>
      {others.length > 0 && (
        <div className={styles.others}>
          <p className={styles.quiet}>Not in progress, and left as they are:</p>
          <States plan={plan} states={others} />
        </div>
      )}
    </>
  );
}

/** How many of the chosen ones are in which state. */
function States({ plan, states = STATES }: { plan: Plan; states?: readonly ExecutionState[] }) {
  const { number } = useFormats();
  const present = states.filter((state) => plan.states.get(state));
  if (present.length === 0) return null;
  return (
    <ul className={styles.states}>
      {present.map((state) => (
        <li key={state}>
          <StateMark state={state} />
          <span>{number(plan.states.get(state) ?? 0)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Which of the chosen ones are no longer what was chosen. */
function Left({ plan: { target, found, work } }: { plan: Plan }) {
  const formats = useFormats();
  const gone = Math.max(0, target.count - found);
  if (target.kind === "chosen") {
    if (gone === 0) return null;
    return (
      <p className={styles.quiet}>
        {formats.number(gone)} of the chosen ones {are(gone)} gone.
      </p>
    );
  }
  return (
    <p className={styles.quiet}>
      {work.kind === "matching"
        ? "So many can’t be told one by one: what comes or changes from now on is left out by the time of its last change."
        : work.kind === "update"
          ? "What comes from now on is left out, and so is what ends before its turn."
          : "These and no others: what comes or changes from now on is left out."}
      {gone > 0 &&
        ` ${formats.number(gone)} of the chosen ones no longer ${gone === 1 ? "matches" : "match"}.`}
    </p>
  );
}

function nothingToDo({ target, found }: Plan, isChange: boolean): string {
  if (found === 0) return "The chosen executions are gone, or your key does not see them.";
  if (!isChange) return "There is nothing to delete.";
  return target.count === 1 ? "It is not in progress." : "None of them is in progress.";
}
