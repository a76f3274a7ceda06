import { type ReactNode, useState } from "react";

import { IconButton, useCopy } from "../design";
import { useFormats } from "../time";
import { entriesOf, type Entry, jsonOf, nameIn, numberIn, opensAtFirst } from "./json";
import styles from "./json.module.css";
import { LongText } from "./LongText";
import { inALine } from "./texts";

/** How many entries of a list or an object are shown at first, and how many more at a time. */
const SHOWN_AT_ONCE = 50;

/** A JSON value, as a tree of which only what is opened is on the page. */
export default function JsonView({ name, value }: { name: string; value: unknown }) {
  const copy = useCopy();

  function copyJson() {
    const { text, isRounded } = jsonOf(value);
    const what = `The ${name.toLowerCase()}`;
    copy(text, isRounded ? `${what}, in which large numbers may be rounded,` : what);
  }

  return (
    <figure className={styles.view}>
      <figcaption className={styles.caption}>
        {name}
        {value !== null && (
          <IconButton icon="copy" label={`Copy ${name.toLowerCase()}`} onClick={copyJson} />
        )}
      </figcaption>
      <div className={styles.tree} dir="ltr" tabIndex={0} role="group" aria-label={name}>
        <Value value={value} depth={0} />
      </div>
    </figure>
  );
}

function Value({ name, value, depth }: { name?: string | number; value: unknown; depth: number }) {
  const entries = entriesOf(value);
  if (entries) {
    return (
      <Branch entries={entries} value={value} depth={depth} {...(name !== undefined && { name })} />
    );
  }
  return (
    <div className={styles.line}>
      <Name name={name} />
      <Leaf value={value} />
    </div>
  );
}

interface BranchProps {
  name?: string | number;
  value: unknown;
  entries: readonly Entry[];
  depth: number;
}

function Branch({ name, value, entries, depth }: BranchProps) {
  const [isOpen, setOpen] = useState(() => opensAtFirst(entries.length, depth));
  const [shown, show] = useState(SHOWN_AT_ONCE);
  const { number } = useFormats();
  const [begin, end, one, many] = Array.isArray(value)
    ? ["[", "]", "item", "items"]
    : ["{", "}", "field", "fields"];
  if (entries.length === 0) {
    return (
      <div className={styles.line}>
        <Name name={name} />
        <span className={styles.mark}>
          {begin}
          {end}
        </span>
      </div>
    );
  }
  return (
    <div>
      <button
        type="button"
        className={styles.branch}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span className={styles.arrow} aria-hidden="true" />
        <Name name={name} />
        <span className={styles.mark}>{isOpen ? begin : `${begin}…${end}`}</span>
        <span className={styles.size}>
          {number(entries.length)} {entries.length === 1 ? one : many}
        </span>
      </button>
      {isOpen && (
        <div className={styles.inside}>
          {entries.slice(0, shown).map(([key, child]) => (
            <Value key={key} name={key} value={child} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button
              type="button"
              className={styles.more}
              onClick={() => show(shown + SHOWN_AT_ONCE)}
            >
              {number(Math.min(SHOWN_AT_ONCE, entries.length - shown))} more of{" "}
              {number(entries.length)}
            </button>
          )}
        </div>
      )}
      {isOpen && <div className={styles.mark}>{end}</div>}
    </div>
  );
}

function Name({ name }: { name: string | number | undefined }): ReactNode {
  if (name === undefined) return null;
  const written = typeof name === "number" ? name : nameIn(inALine(name));
  return <span className={styles.name}>{written}: </span>;
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === "string") {
    return (
      <span className={styles.text}>
        “<LongText text={value} end="”" />
      </span>
    );
  }
  if (typeof value !== "number") return <span className={styles.other}>{String(value)}</span>;
  const { nearest, isRounded } = numberIn(value);
  return (
    <span className={styles.other}>
      {isRounded && "≈ "}
      {nearest}
    </span>
  );
}
