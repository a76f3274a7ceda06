import { useEffect, useRef } from "react";

import { Icon, StateMark } from "../design";
import type { Completion } from "./completions";
import styles from "./field.module.css";

interface Props {
  id: string;
  isShown: boolean;
  completions: readonly Completion[];
  /** The one that Enter takes; -1 for none. */
  active: number;
  onChoose(completion: Completion): void;
  /** What is wrong with what was typed. */
  problem: string | undefined;
}

/** What could come next in the field above. */
export function Completions({ id, isShown, completions, active, onChoose, problem }: Props) {
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);

  return (
    <div className={styles.panel} hidden={!isShown}>
      {problem !== undefined && (
        <p className={styles.note}>
          <Icon name="warning" />
          {problem}
        </p>
      )}
      <ul
        ref={list}
        id={id}
        role="listbox"
        aria-label="What could come next"
        className={styles.options}
        hidden={completions.length === 0}
      >
        {completions.map((completion, index) => (
          <li
            key={`${completion.text} ${completion.name}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            className={styles.option}
            // The focus stays in the field.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onChoose(completion)}
          >
            {completion.state ? (
              <StateMark state={completion.state} />
            ) : (
              <span className={completion.isBeginning ? styles.key : styles.name}>
                {completion.name}
              </span>
            )}
            <span className={styles.what}>{completion.state ? "" : completion.what}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
