import { useState } from "react";

import { Field, Segments } from "../design";
import { ErrorNotice } from "../notices";
import styles from "./filter.module.css";
import { type Term, term } from "./language";
import { IS_OR_NOT } from "./StateChoice";
import { useFlowNames } from "./useNames";

const MOST = 50;

interface Props {
  chosen: Term | null;
  /** Choose by this; while it is open, all that is chosen is one step. */
  onChoose(term: Term, by: object): void;
}

/** Chooses agentflows by their names: those to be listed, or those not to be. */
export function FlowChoice({ chosen, onChoose }: Props) {
  const [part, setPart] = useState("");
  const { names, hasMore, refusal, isLoading, again } = useFlowNames(part.trim(), true, MOST);
  // Kept here too, as there is no term to keep it in while nothing is chosen.
  const [opening] = useState({});
  const [isExcluded, exclude] = useState(chosen?.isExcluded ?? false);
  const isWhole = chosen?.operator === "=";
  const flows = isWhole ? chosen.values.map(({ text }) => text) : [];
  const listed = part === "" ? [...new Set([...flows, ...names])] : names;

  function choose(next: readonly string[], isNot = isExcluded) {
    onChoose(term("flow", next, { operator: "=", isExcluded: isNot }), opening);
  }

  return (
    <div className={styles.choice}>
      <Segments
        label="Listed are those whose agentflow"
        options={IS_OR_NOT}
        value={isExcluded ? "not" : "is"}
        onChange={(value) => {
          exclude(value === "not");
          choose(flows, value === "not");
        }}
      />
      <Field
        label="Find an agentflow"
        isLabelHidden
        type="search"
        placeholder="Find an agentflow"
        autoComplete="off"
        value={part}
        onChange={({ target }) => setPart(target.value)}
        autoFocus
      />
      {refusal && <ErrorNotice refusal={refusal} onAgain={again} />}
      <ul
        className={styles.flows}
        aria-busy={isLoading}
        hidden={refusal !== null && listed.length === 0}
      >
        {listed.map((name) => (
          <li key={name}>
            <label className={styles.option}>
              <input
                type="checkbox"
                checked={flows.includes(name)}
                onChange={({ target }) =>
                  choose(target.checked ? [...flows, name] : flows.filter((each) => each !== name))
                }
              />
              <span className={styles.name} dir="auto">
                {name}
              </span>
            </label>
          </li>
        ))}
      </ul>
      {listed.length === 0 && !isLoading && !refusal && (
        <p className={styles.none}>No agentflow has this in its name.</p>
      )}
      {hasMore && (
        <p className={styles.none}>These are the first {names.length}; type to find others.</p>
      )}
    </div>
  );
}
