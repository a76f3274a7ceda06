import { Button, IconButton } from "../design";
import { useViewer } from "../gateway";
import { NO_SELECTION, type Selection, sizeOf } from "../list/selection";
import { type List, useList } from "../list/useList";
import { useFormats } from "../time";
import { ACTIONS, ALL_ACTIONS } from "./action";
import styles from "./acting.module.css";
import { useActing } from "./ActingProvider";
import { targetOfSelection } from "./target";
import { SELECTING } from "./words";

/** What can be done with the executions that are selected. */
export function ActionBar() {
  const list = useList();
  const { selection, isSelecting, total, select, selectAll } = list;
  const { begin } = useActing();
  const { whyNot } = useViewer();
  const formats = useFormats();
  const size = sizeOf(selection);
  const said = `${formats.number(size)} selected`;
  const mayBeMore = selection.kind === "some" && total !== null && total > size;

  function offOf(action: (typeof ALL_ACTIONS)[number]): string | undefined {
    const { scope, state } = ACTIONS[action];
    if (isSelecting) return SELECTING;
    return whyNot(scope) ?? (state && hasAllEnded(selection, list) ? ENDED : undefined);
  }

  return (
    <>
      <div role="status" className="visually-hidden">
        {size > 0 && said}
      </div>
      {size > 0 && (
        <section aria-label="Selection" className={styles.bar}>
          <div className={styles.chosen}>
            <span className={styles.size}>{said}</span>
            {mayBeMore && (
              <Button kind="quiet" onClick={selectAll}>
                <span>
                  Select all {formats.number(total)}
                  <span className={styles.long}> that match</span>
                </span>
              </Button>
            )}
            {selection.kind === "all" && selection.except.size === 0 && (
              <span className={styles.quiet}>all that matched</span>
            )}
          </div>
          <div className={styles.actions}>
            {ALL_ACTIONS.map((action) => {
              const { verb, icon, keys } = ACTIONS[action];
              return (
                <Button
                  key={action}
                  icon={icon}
                  keys={keys}
                  off={offOf(action)}
                  className={styles.action}
                  onClick={() => {
                    const target = targetOfSelection(selection);
                    if (target) begin(action, target);
                  }}
                >
                  {verb}
                </Button>
              );
            })}
            <IconButton
              icon="close"
              label="Select nothing"
              keys="Escape"
              onClick={() => select(NO_SELECTION)}
            />
          </div>
        </section>
      )}
    </>
  );
}

const ENDED = "None of them is in progress";

/** Whether all that are selected are known to have ended. */
function hasAllEnded(selection: Selection, { rowOf }: List): boolean {
  if (selection.kind !== "some") return false;
  return [...selection.guids].every((guid) => {
    const state = rowOf(guid)?.state;
    return state !== undefined && state !== "INPROGRESS";
  });
}
