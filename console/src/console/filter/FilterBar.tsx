import { type ReactNode, useEffect, useId, useMemo, useRef } from "react";

import { useAddress } from "../address";
import { useZone } from "../time";
import styles from "./filter.module.css";
import { FilterField } from "./FilterField";
import { FilterMenus } from "./FilterMenus";
import { anchored, parseFilter, printFilter, termsOf } from "./language";
import { useDraft } from "./useDraft";
import type { Named } from "./useNames";

interface Props {
  /** The executions that are listed, whose agentflows and sessions are proposed. */
  rows: readonly Named[];
  /** Beside the field. */
  children?: ReactNode;
}

/** Where the filter is typed, and put together from menus by whoever does not type. */
export function FilterBar({ rows, children }: Props) {
  const { filter } = useAddress();
  const zone = useZone();
  const draft = useDraft();
  const field = useRef<HTMLInputElement>(null);
  const caretAtEnd = useRef(false);
  const id = useId();
  const { text } = draft;
  const parsed = useMemo(() => parseFilter(text, { now: new Date(), zone }), [text, zone]);
  const [problem] = parseFilter(filter, { now: new Date(), zone }).problems;

  useEffect(() => {
    if (!caretAtEnd.current) return;
    caretAtEnd.current = false;
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, [text]);

  function commit() {
    // Whoever only looks in has taken no step.
    if (!draft.isTyped()) return;
    const isClear = parsed.problems.length === 0;
    draft.commit(isClear ? printFilter(anchored(termsOf(parsed), zone)) : text);
  }

  return (
    <search className={styles.bar}>
      <div className={styles.line}>
        <FilterField
          field={field}
          draft={draft}
          parsed={parsed}
          rows={rows}
          onCommit={commit}
          describedBy={`${id}-problem`}
        />
        {children}
      </div>
      <p id={`${id}-problem`} className={styles.problem} role="status">
        {problem?.words}
      </p>
      <FilterMenus
        draft={draft}
        parsed={parsed}
        onType={(next) => {
          caretAtEnd.current = true;
          draft.type(next);
        }}
      />
    </search>
  );
}
