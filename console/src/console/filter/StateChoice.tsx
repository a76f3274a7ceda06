import { useState } from "react";

import { Segments, StateMark, STATES } from "../design";
import styles from "./filter.module.css";
import { stateNamed } from "./keys";
import { type Term, term } from "./language";

interface Props {
  chosen: Term | null;
  /** Choose by this; while it is open, all that is chosen is one step. */
  onChoose(term: Term, by: object): void;
}

/** Whether what is chosen is listed, or all but that. */
export const IS_OR_NOT = [
  { value: "is", name: "is" },
  { value: "not", name: "is not" },
];

/** Chooses states: those to be listed, or those not to be. */
export function StateChoice({ chosen, onChoose }: Props) {
  // Kept here too, as there is no term to keep it in while nothing is chosen.
  const [opening] = useState({});
  const [isExcluded, exclude] = useState(chosen?.isExcluded ?? false);
  const states = STATES.filter((state) =>
    chosen?.values.some(({ text }) => stateNamed(text) === state),
  );

  return (
    <div className={styles.choice}>
      <Segments
        label="Listed are those whose state"
        options={IS_OR_NOT}
        value={isExcluded ? "not" : "is"}
        onChange={(value) => {
          exclude(value === "not");
          onChoose(term("state", states, { isExcluded: value === "not" }), opening);
        }}
      />
      <ul>
        {STATES.map((state) => (
          <li key={state}>
            <label className={styles.option}>
              <input
                type="checkbox"
                checked={states.includes(state)}
                onChange={({ target }) => {
                  const next = STATES.filter((each) =>
                    each === state ? target.checked : states.includes(each),
                  );
                  onChoose(term("state", next, { isExcluded }), opening);
                }}
              />
              <StateMark state={state} />
            </label>
          </li>
        ))}
      </ul>
    </div>
  );
}
