import type { IconName } from "../design";
import type { ExecutionState, Scope } from "../generated/graphql";

/** What can be done with executions. */
export type Action = "stop" | "timeOut" | "delete";

/** The words and the facts of an action. */
export interface ActionFacts {
  verb: string;
  /** While it is done. */
  doing: string;
  /** Once it is done. */
  done: string;
  icon: IconName;
  scope: Scope;
  keys: string;
  /** The state that it leads to, from being in progress; null if it deletes. */
  state: ExecutionState | null;
}

/** The facts of all actions. */
export const ACTIONS: Record<Action, ActionFacts> = {
  stop: {
    verb: "Stop",
    doing: "Stopping",
    done: "stopped",
    icon: "stop",
    scope: "UPDATE",
    keys: "s",
    state: "STOPPED",
  },
  timeOut: {
    verb: "Time out",
    doing: "Timing out",
    done: "timed out",
    icon: "timeout",
    scope: "UPDATE",
    keys: "t",
    state: "TIMEOUT",
  },
  delete: {
    verb: "Delete",
    doing: "Deleting",
    done: "deleted",
    icon: "delete",
    scope: "DELETE",
    keys: "Delete",
    state: null,
  },
};

/** All actions, in the order in which they are offered. */
export const ALL_ACTIONS: readonly Action[] = ["stop", "timeOut", "delete"];
