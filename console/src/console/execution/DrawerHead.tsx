import type { Ref } from "react";

import { ActionMenu } from "../acting/ActionMenu";
import { IconButton, Skeleton, StateMark, useCopy } from "../design";
import { CopyMenu } from "./CopyMenu";
import styles from "./execution.module.css";
import type { Opened } from "./useExecution";

interface Props {
  guid: string;
  opened: Opened;
  titleRef: Ref<HTMLHeadingElement>;
  /** Why there is no step back, or forth; undefined if there is one. */
  whyNot(by: -1 | 1): string | undefined;
  onStep(by: -1 | 1): void;
  onClose(): void;
}

/** Which execution it is, what can be done with it, and the way to its neighbours in the list. */
export function DrawerHead({ guid, opened, titleRef, whyNot, onStep, onClose }: Props) {
  const copy = useCopy();
  const { execution, standing } = opened;
  return (
    <header className={styles.head}>
      <div className={styles.tools}>
        <IconButton
          icon="up"
          label="Previous execution"
          keys="k"
          onClick={() => onStep(-1)}
          off={whyNot(-1)}
        />
        <IconButton
          icon="down"
          label="Next execution"
          keys="j"
          onClick={() => onStep(1)}
          off={whyNot(1)}
        />
        <span className={styles.gap} />
        <CopyMenu guid={guid} />
        {execution && standing !== "deleted" && standing !== "missing" && (
          <ActionMenu guid={guid} state={execution.state} />
        )}
        <IconButton icon="close" label="Close" keys="Escape" onClick={onClose} />
      </div>
      <h2 ref={titleRef} tabIndex={-1} className={styles.title} dir="auto">
        {execution ? (execution.agentflowName ?? execution.agentflowId) : titleOf(standing)}
      </h2>
      <div className={styles.below}>
        {execution ? (
          <StateMark state={execution.state} />
        ) : (
          standing === "unknown" && <Skeleton width="5rem" />
        )}
        <button
          type="button"
          className={styles.copyable}
          title="Copy the guid"
          onClick={() => copy(guid, "The guid")}
        >
          <span className="visually-hidden">Copy the guid </span>
          <code className={styles.guid}>{guid}</code>
        </button>
      </div>
    </header>
  );
}

function titleOf(standing: Opened["standing"]) {
  return standing === "unknown" ? <Skeleton width="12rem" /> : "Execution";
}
