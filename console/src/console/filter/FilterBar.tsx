import { useEffect, useId, useMemo, useRef } from "react";

import { useAddress } from "../address";
import { useZone } from "../time";
import { SaveView } from "../views/SaveView";
import styles from "./filter.module.css";
import { FilterField } from "./FilterField";
import { FilterMenus } from "./FilterMenus";
import { anchored, parseFilter, printFilter, termsOf } from "./language";
import { useDraft } from "./useDraft";

/** Where the filter is typed, and put together from menus by whoever does not type. */
export function FilterBar() {
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
          onCommit={commit}
          describedBy={`${id}-problem`}
        />
        <SaveView />
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
