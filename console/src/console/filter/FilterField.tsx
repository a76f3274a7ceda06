import {
  type KeyboardEvent,
  type RefObject,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";

import { Icon, IconButton, KeyHint } from "../design";
import { useKey } from "../keyboard";
import { Completions } from "./Completions";
import {
  completed,
  type Completion,
  completionsAt,
  LETTERS_OF_NAMES,
  placeAt,
} from "./completions";
import styles from "./field.module.css";
import { Highlighted } from "./Highlighted";
import type { Parsed } from "./language";
import type { Draft } from "./useDraft";
import { type Named, useNames } from "./useNames";

interface Props {
  field: RefObject<HTMLInputElement | null>;
  draft: Draft;
  parsed: Parsed;
  rows: readonly Named[];
  /** Make a step of what was typed. */
  onCommit(): void;
  /** The id of what says what is wrong, below. */
  describedBy: string;
}

/** Where a filter is typed. It proposes what could come next, and says what it can't understand. */
export function FilterField({ field, draft, parsed, rows, onCommit, describedBy }: Props) {
  const { text } = draft;
  const { problems } = parsed;
  const id = useId();
  const mirror = useRef<HTMLDivElement>(null);
  const caretAfter = useRef<number | null>(null);
  const [caret, setCaret] = useState(text.length);
  const [isFocused, setFocused] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);

  const place = placeAt(text, Math.min(caret, text.length));
  const isNamed = place.facts ? place.facts.key === "flow" : place.typed.length >= LETTERS_OF_NAMES;
  const names = useNames(place.typed, isOpen && isNamed, rows);
  const completions = isOpen ? completionsAt(place, names) : [];
  const own = problems.find(({ from, to }) => from <= caret && caret <= to);
  // Whoever is being told how to go on need not be told that it is not enough yet.
  const problem = own && completions.length > 0 ? undefined : (own ?? problems[0]);
  const isPanelShown = isOpen && (completions.length > 0 || problem !== undefined);
  const chosen = completions[active];

  useKey({
    keys: "/",
    name: "Filter the executions",
    group: "List",
    run: () => field.current?.select(),
  });

  useLayoutEffect(() => {
    if (caretAfter.current !== null) {
      field.current?.setSelectionRange(caretAfter.current, caretAfter.current);
      setCaret(caretAfter.current);
      caretAfter.current = null;
    }
    follow();
  }, [text]);

  /** Keep what is shown below what is typed. */
  function follow() {
    if (mirror.current && field.current) mirror.current.scrollLeft = field.current.scrollLeft;
  }

  function complete(completion: Completion) {
    const then = completed(text, place, completion);
    caretAfter.current = then.caret;
    draft.type(then.text);
    setActive(-1);
  }

  function press(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const count = completions.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      if (!isOpen) setOpen(true);
      else if (count > 0)
        setActive(active < 0 && by < 0 ? count - 1 : (active + by + count) % count);
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen && !event.shiftKey) {
      event.preventDefault();
      complete(chosen);
    } else if (event.key === "Enter") {
      onCommit();
      setOpen(false);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (isPanelShown) setOpen(false);
      else document.getElementById("view")?.focus();
    }
  }

  return (
    <div className={styles.field}>
      <Icon name="search" />
      {/* Like code, it is read from left to right everywhere. */}
      <div className={styles.typed} dir="ltr">
        <div ref={mirror} className={styles.mirror} aria-hidden="true">
          <Highlighted text={text} problems={problems} />
        </div>
        <input
          ref={field}
          className={styles.input}
          type="text"
          role="combobox"
          aria-label="Filter"
          aria-autocomplete="list"
          aria-expanded={isPanelShown}
          aria-controls={`${id}-completions`}
          aria-activedescendant={chosen && `${id}-completions-${active}`}
          aria-invalid={problems.length > 0 || undefined}
          aria-describedby={describedBy}
          placeholder="Filter by state, agentflow, time …"
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          enterKeyHint="search"
          value={text}
          onChange={({ target }) => {
            draft.type(target.value);
            setCaret(target.selectionStart ?? target.value.length);
            setOpen(true);
            setActive(-1);
          }}
          onSelect={({ currentTarget }) => {
            setCaret(currentTarget.selectionStart ?? 0);
            follow();
          }}
          onScroll={follow}
          onFocus={() => setFocused(true)}
          onClick={() => setOpen(true)}
          onBlur={() => {
            setFocused(false);
            setOpen(false);
            setActive(-1);
            onCommit();
          }}
          onKeyDown={press}
        />
      </div>
      {text !== "" && (
        <IconButton
          icon="close"
          label="Clear the filter"
          onClick={() => {
            draft.commit("");
            field.current?.focus();
          }}
        />
      )}
      {text === "" && !isFocused && (
        <span className={styles.hint}>
          <KeyHint keys="/" />
        </span>
      )}
      <Completions
        id={`${id}-completions`}
        isShown={isPanelShown}
        completions={completions}
        active={active}
        onChoose={complete}
        problem={problem?.words}
      />
    </div>
  );
}
