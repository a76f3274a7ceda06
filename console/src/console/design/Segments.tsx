import { useId } from "react";

import styles from "./controls.module.css";

interface Props<Value extends string> {
  label: string;
  options: readonly { value: Value; name: string }[];
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
        <label key={option.value} className={styles.segment}>
          <input
            type="radio"
            name={name}
            className="visually-hidden"
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.name}
        </label>
      ))}
    </fieldset>
  );
}
