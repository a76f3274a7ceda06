import { createContext, type ReactNode, Suspense, use, useEffect, useMemo, useState } from "react";

import { useAddress } from "../address";
import { useToast } from "../design";
import { useViewer } from "../gateway";
import { useKey } from "../keyboard";
import { NO_SELECTION } from "../list/selection";
import { useList } from "../list/useList";
import { ErrorBoundary } from "../notices";
import { part, preloadWhenSettled } from "../parts";
import { useFormats } from "../time";
import { type Action, ACTIONS } from "./action";
import type { Outcome } from "./outcome";
import type { Work } from "./plan";
import { type Target, targetOf, targetOfSelection } from "./target";
import type { Job } from "./useJob";
import { SELECTING } from "./words";

const ActingDialog = part(() => import("./ActingDialog"));
const GROUP = "Acting";

interface Acting {
  /** Ask whether to do something with executions, and do it. */
  begin(action: Action, target: Target): void;
}

const Context = createContext<Acting | null>(null);

/** What can be done with executions from anywhere on the page. */
export function useActing(): Acting {
  const acting = use(Context);
  if (!acting) throw new Error("This must be inside an ActingProvider");
  return acting;
}

/** Does what is asked for in it: shows the dialogs, and keeps what can be undone. */
export function ActingProvider({ children }: { children: ReactNode }) {
  const list = useList();
  const say = useToast();
  const formats = useFormats();
  const [job, setJob] = useState<Job | null>(null);
  const [undoable, setUndoable] = useState<{ action: Action; work: Work } | null>(null);
  const acting = useMemo<Acting>(
    () => ({ begin: (action, target) => setJob({ kind: "act", action, target }) }),
    [],
  );

  useEffect(() => preloadWhenSettled(ActingDialog), []);

  function undo(action: Action, work: Work) {
    setUndoable(null);
    setJob({ kind: "undo", action, work });
  }

  /** What was done is done; whether all of it, the dialog has said if it is not said here. */
  function finish({ kind, action }: Job, { changed, undo: back }: Outcome, isSaid: boolean) {
    setJob(null);
    setUndoable(back && kind === "act" ? { action, work: back } : null);
    if (kind === "act") list.select(NO_SELECTION);
    list.reload();
    if (isSaid) return;
    if (kind === "undo") return say(`${formats.executions(changed)} in progress again.`);
    say({
      text: `${formats.executions(changed)} ${ACTIONS[action].done}.`,
      ...(back && { action: { name: "Undo", run: () => undo(action, back) } }),
    });
  }

  return (
    <Context value={acting}>
      {children}
      <ActingKeys begin={acting.begin} />
      <UndoKey undoable={undoable} undo={undo} />
      {job && (
        <ErrorBoundary key={job.kind}>
          <Suspense>
            <ActingDialog
              job={job}
              onUndo={undo}
              onClose={() => setJob(null)}
              onDone={(outcome, isSaid) => finish(job, outcome, isSaid)}
            />
          </Suspense>
        </ErrorBoundary>
      )}
    </Context>
  );
}

/** The keys of all actions, for what is selected, or is open, or the keys of the list are at. */
function ActingKeys({ begin }: Acting) {
  const { view, execution } = useAddress();
  const { selection, isSelecting, anchor } = useList();
  const { whyNot } = useViewer();
  const say = useToast();
  const isListed = view === "executions";
  const selected = isListed ? selection : NO_SELECTION;
  const single = execution || (isListed ? anchor : null);
  const isOff = selected.kind === "none" && !single;

  function keyFor(action: Action) {
    const { verb, keys, scope } = ACTIONS[action];
    function run() {
      const why = isListed && isSelecting ? SELECTING : whyNot(scope);
      const target = targetOfSelection(selected) ?? (single ? targetOf([single]) : null);
      if (why) say(`${why}.`);
      else if (target) begin(action, target);
    }
    return {
      keys,
      name: `${verb} what is selected, or open`,
      group: GROUP,
      run: isOff ? null : run,
    };
  }

  useKey(keyFor("delete"));
  useKey(keyFor("timeOut"));
  useKey(keyFor("stop"));
  return null;
}

function UndoKey({
  undoable,
  undo,
}: {
  undoable: { action: Action; work: Work } | null;
  undo(action: Action, work: Work): void;
}) {
  useKey({
    keys: "z",
    name: "Undo what was done last",
    group: GROUP,
    run: undoable && (() => undo(undoable.action, undoable.work)),
  });
  return null;
}
