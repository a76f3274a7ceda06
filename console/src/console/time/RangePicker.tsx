import { type FormEvent, useState } from "react";

import { Button, Field, Popover, Segments } from "../design";
import { parseRange, PRESETS, printRange, wordsOf } from "./range";
import styles from "./time.module.css";
import { useFormats, useZone } from "./useFormats";
import { instantOf, twoDigits, wallTimeAt } from "./zone";

const ALL = { range: "all", name: "All time", short: "All" } as const;
const FIELD = /^(\d{4,6})-(\d\d)-(\d\d)T(\d\d):(\d\d)/;

interface Props {
  /** The range, as it stands in an address; never empty, but `all`. */
  range: string;
  onChange(range: string): void;
}

/** Chooses a range of time: one of the usual ones, or from an instant to another. */
export function RangePicker({ range, onChange }: Props) {
  const zone = useZone();
  const formats = useFormats();
  const parsed = parseRange(range, zone);
  const isUsual = parsed !== null && USUAL.some(({ value }) => value === printRange(parsed));
  return (
    <div className={styles.picker}>
      <Segments
        label="Range"
        options={USUAL}
        value={parsed ? printRange(parsed) : ""}
        onChange={onChange}
      />
      <Popover
        label="Another range"
        placement={{ align: "end" }}
        trigger={(attributes) => (
          <Button
            icon="calendar"
            kind={isUsual ? "quiet" : "plain"}
            {...attributes}
            {...(isUsual && { "aria-label": "Another range" })}
          >
            {!isUsual && (parsed ? wordsOf(parsed, formats) : "Not a range")}
          </Button>
        )}
      >
        {(close) => (
          <Between
            range={range}
            onChange={(chosen) => {
              close();
              onChange(chosen);
            }}
          />
        )}
      </Popover>
    </div>
  );
}

const USUAL = [...PRESETS, ALL].map(({ range, name, short }) => ({ value: range, name, short }));

function Between({ range, onChange }: Props) {
  const zone = useZone();
  const parsed = parseRange(range, zone);
  const given = parsed?.kind === "between" ? parsed : { from: null, until: null };
  const [from, setFrom] = useState(fieldOf(given.from, zone));
  const [until, setUntil] = useState(fieldOf(given.until, zone));
  const chosen = {
    kind: "between",
    from: instantIn(from, zone),
    until: instantIn(until, zone),
  } as const;
  const isBackwards = chosen.from !== null && chosen.until !== null && chosen.from >= chosen.until;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isBackwards) return;
    const isOpen = chosen.from === null && chosen.until === null;
    onChange(printRange(isOpen ? { kind: "all" } : chosen));
  }

  return (
    <form className={styles.between} onSubmit={submit}>
      <Field
        label="From"
        type="datetime-local"
        value={from}
        max="9999-12-31T23:59"
        onChange={({ target }) => setFrom(target.value)}
        autoFocus
      />
      <Field
        label="Until"
        type="datetime-local"
        value={until}
        max="9999-12-31T23:59"
        onChange={({ target }) => setUntil(target.value)}
        problem={isBackwards ? "This is not after the beginning" : undefined}
        hint={`In ${zone}; empty for no end`}
      />
      <Button
        kind="main"
        type="submit"
        off={isBackwards ? "The end is before the beginning" : undefined}
      >
        Show this range
      </Button>
    </form>
  );
}

/** An instant as the field has it: a time on the wall, to the minute. */
function fieldOf(instant: number | null, zone: string): string {
  if (instant === null) return "";
  const { year, month, day, hour, minute } = wallTimeAt(instant, zone);
  const date = [String(year).padStart(4, "0"), twoDigits(month), twoDigits(day)].join("-");
  return `${date}T${twoDigits(hour)}:${twoDigits(minute)}`;
}

function instantIn(field: string, zone: string): number | null {
  const parts = FIELD.exec(field);
  if (!parts) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = parts.slice(1).map(Number);
  return instantOf({ year, month, day, hour, minute, second: 0 }, zone);
}
