import { Link } from "../address";
import { Button, Icon, StateMark } from "../design";
import { useFormats } from "../time";
import { type Action, ACTIONS } from "./action";
import styles from "./acting.module.css";
import type { Outcome } from "./outcome";
import type { Work } from "./plan";
import { are } from "./words";

/** How many of those that were not changed are named. */
const MOST_NAMED = 8;

interface Props {
  action: Action;
  isUndo: boolean;
  outcome: Outcome;
  onClose(): void;
}

/** What was not done, and why. */
export function Report({ action, isUndo, outcome, onClose }: Props) {
  const { conflicts, missing, slipped, rest, refusal } = outcome;
  const formats = useFormats();
  const done = isUndo ? "put back" : ACTIONS[action].done;
  return (
    <div className={styles.words} role="status">
      {refusal && (
        <p className={styles.warning}>
          <Icon name="warning" />
          <span>
            {refusal.title} {refusal.detail}
          </span>
        </p>
      )}
      {rest && (
        <p>
          {formats.executions(rest.count)} {are(rest.count)} left as before
          {refusal ? ", as far as the gateway has said" : ": you ended it"}.
        </p>
      )}
      {missing > 0 && (
        <p>
          {formats.executions(missing)} {missing === 1 ? "was" : "were"} deleted before their turn
          came.
        </p>
      )}
      {slipped > 0 && (
        <p>
          {formats.executions(slipped)} no longer matched when their turn came: somebody changed or
          deleted them.
        </p>
      )}
      {conflicts.length > 0 && (
        <>
          <p>
            {formats.executions(conflicts.length)} {conflicts.length === 1 ? "was" : "were"} not{" "}
            {done}: {whyNot(conflicts.length, isUndo || ACTIONS[action].state !== null)}.
          </p>
          <ul className={styles.conflicts}>
            {conflicts.slice(0, MOST_NAMED).map(({ guid, state, agentflowName, agentflowId }) => (
              <li key={guid}>
                <Link to={{ execution: guid }} onClick={onClose}>
                  <StateMark state={state} />
                  <span className={styles.flow} dir="auto">
                    {agentflowName ?? agentflowId}
                  </span>
                </Link>
              </li>
            ))}
          </ul>
          {conflicts.length > MOST_NAMED && (
            <p className={styles.quiet}>and {formats.number(conflicts.length - MOST_NAMED)} more</p>
          )}
        </>
      )}
    </div>
  );
}

function whyNot(count: number, isUpdate: boolean): string {
  if (isUpdate) return `${count === 1 ? "it is" : "they are"} in another state by now`;
  return `${count === 1 ? "it has" : "they have"} changed since`;
}

interface ActionsProps {
  outcome: Outcome;
  onClose(): void;
  onRest(work: Work): void;
  onUndo?: ((work: Work) => void) | undefined;
}

/** What can be done about it. */
export function ReportActions({ outcome: { rest, undo }, onClose, onRest, onUndo }: ActionsProps) {
  const formats = useFormats();
  return (
    <>
      {undo && onUndo && (
        <Button icon="undo" onClick={() => onUndo(undo)}>
          Undo
        </Button>
      )}
      {rest && (
        <Button onClick={() => onRest(rest)}>
          Go on with the other {formats.number(rest.count)}
        </Button>
      )}
      <Button kind="main" autoFocus onClick={onClose}>
        Close
      </Button>
    </>
  );
}
