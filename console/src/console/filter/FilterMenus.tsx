import { Menu, type MenuItem, wordOf } from "../design";
import { termAbout, withBeginning, withTerm } from "./edit";
import styles from "./filter.module.css";
import { FlowChoice } from "./FlowChoice";
import { KEYS, stateNamed } from "./keys";
import { type Key, type Parsed, type Term, term, type Value } from "./language";
import { MenuChip } from "./MenuChip";
import { StateChoice } from "./StateChoice";
import type { Draft } from "./useDraft";

interface Props {
  draft: Draft;
  parsed: Parsed;
  /** Put a text into the field, to be gone on with. */
  onType(text: string): void;
}

const LENGTHS = [
  [">", "1s"],
  [">", "10s"],
  [">", "1m"],
  [">", "10m"],
  [">", "1h"],
  ["<", "1s"],
] as const;
const UNIT_WORDS: Record<string, string> = { s: "second", m: "minute", h: "hour" };
/** Those that have a menu of their own. */
const SHOWN = new Set<Key>(["state", "flow", "duration", "error"]);

/** The usual conditions to choose, and the beginnings of the others. */
export function FilterMenus({ draft, parsed, onType }: Props) {
  const { text, commit } = draft;
  const about = (key: Key) => termAbout(parsed, key);
  const set = (key: Key, next: Term | null, by?: object) =>
    commit(withTerm(text, parsed, key, next), by);
  const type = (key: Key, operator: string, rest = "") =>
    onType(withBeginning(withTerm(text, parsed, key, null), `${key}${operator}${rest}`));
  const [state, flow, duration, error] = [
    about("state"),
    about("flow"),
    about("duration"),
    about("error"),
  ];

  const lengths = LENGTHS.map(([operator, length]): MenuItem => {
    const isOn = duration?.operator === operator && duration.values[0]?.text === length;
    return {
      name: `${operator === ">" ? "Longer" : "Shorter"} than ${wordsOfLength(length)}`,
      isChecked: isOn && !duration.isExcluded,
      choose: () => set("duration", isOn ? null : term("duration", [length], { operator })),
    };
  });
  const errors = (["any", "none"] as const).map((kind): MenuItem => {
    const isOn = error?.values[0]?.kind === kind && !error.isExcluded;
    const chosen = term("error", [], { values: [{ kind, text: "" }] });
    return {
      name: kind === "any" ? "Has an error" : "Has no error",
      isChecked: isOn,
      choose: () => set("error", isOn ? null : chosen),
    };
  });
  const others = KEYS.filter(({ key }) => !SHOWN.has(key)).map(({ key, kind, what }): MenuItem => ({
    name: `${key} · ${what}`,
    choose: () => onType(withBeginning(text, kind === "instants" ? `${key}>` : `${key}:`)),
  }));

  return (
    <div className={styles.menus}>
      <MenuChip
        name="State"
        value={state && said(state, ({ text: value }) => wordOf(stateNamed(value) ?? "ERROR"))}
        onClear={() => set("state", null)}
      >
        <StateChoice chosen={state} onChoose={(next, by) => set("state", next, by)} />
      </MenuChip>
      <MenuChip
        name="Agentflow"
        value={flow && said(flow, wordsOf)}
        onClear={() => set("flow", null)}
      >
        <FlowChoice chosen={flow} onChoose={(next, by) => set("flow", next, by)} />
      </MenuChip>
      <MenuChip
        name="Duration"
        value={
          duration && `${duration.operator === ":" ? "" : duration.operator} ${said(duration)}`
        }
        onClear={() => set("duration", null)}
        items={[
          ...lengths,
          { name: "Another …", icon: "edit", choose: () => type("duration", ">") },
        ]}
      />
      <MenuChip
        name="Error"
        value={error && said(error, wordsOf)}
        onClear={() => set("error", null)}
        items={[
          ...errors,
          { name: "With a text …", icon: "edit", choose: () => type("error", ":") },
        ]}
      />
      <Menu
        label="More conditions"
        trigger={(attributes) => (
          <button type="button" className={styles.trigger} {...attributes}>
            More …
          </button>
        )}
        items={others}
      />
    </div>
  );
}

/** The values of a term, in a few words. */
function said(
  { isExcluded, values }: Term,
  wordFor: (value: Value) => string = ({ text }) => text,
): string {
  const [first, second, ...more] = values.map(wordFor);
  const few = [first, second].filter((each) => each !== undefined).join(", ");
  const words = more.length > 0 ? `${few} +${more.length}` : few;
  return isExcluded ? `not ${words}` : words;
}

function wordsOf({ kind, text }: Value): string {
  if (kind === "beginning") return `${text}…`;
  return kind === "text" ? text : kind;
}

function wordsOfLength(length: string): string {
  const count = parseInt(length, 10);
  const unit = UNIT_WORDS[length.slice(-1)] ?? "";
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
