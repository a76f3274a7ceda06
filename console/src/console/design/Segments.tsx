import { useId } from "react";

import styles from "./controls.module.css";

interface Props<Value extends string> {
  label: string;
  /** What there is; with `short`, that is shown, and the name is read. */
  options: readonly { value: Value; name: string; short?: string }[];
  /** The one that is chosen; none if it is not among them. */
  value: string;
  onChange(value: Value): void;
}

/** A choice of one among few, side by side. The arrow keys choose. */
export function Segments<Value extends string>({ label, options, value, onChange }: Props<Value>) {
  const name = useId();
  return (
    <fieldset className={styles.segments}>
      <legend className="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className={styles.segment} title={option.short && option.name}>
          <input
            type="radio"
            name={name}
            className="visually-hidden"
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            aria-label={option.short && option.name}
          />
          {option.short ?? option.name}
        </label>
      ))}
    </fieldset>
  );
}
