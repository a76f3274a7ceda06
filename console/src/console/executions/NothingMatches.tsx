import { useMemo } from "react";

import { go, useAddress } from "../address";
import { Button, Icon, Skeleton } from "../design";
import { parseFilter } from "../filter/language";
import { Notice } from "../notices";
import { conditionOf, parseRange, useFormats, useZone, wordsOf } from "../time";
import styles from "./executions.module.css";
import { MOST, useTotals } from "./useTotals";
import { type Choice, onlyOne, withoutOne } from "./withoutOne";

/** Says that nothing is as the filter and the range ask for, and which condition keeps it out. */
export function NothingMatches() {
  const { filter, range } = useAddress();
  const zone = useZone();
  const { without, only } = useMemo(() => {
    const now = new Date();
    const within = parseRange(range, zone);
    const createdOn = within && conditionOf(within, now.getTime());
    const given = [filter, parseFilter(filter, { now, zone }), createdOn && { createdOn }] as const;
    return { without: withoutOne(...given), only: onlyOne(...given) };
  }, [filter, range, zone]);
  const totals = useTotals(filtersOf(without), true);
  const isNoneEnough = totals !== null && totals.every((total) => total === 0);
  const alone = useTotals(filtersOf(only), isNoneEnough && only.length > 1);
  const isKnown = totals !== null && (!isNoneEnough || only.length === 1 || alone !== null);
  const [choices, counts] = isNoneEnough ? [only, alone ?? []] : [without, totals ?? []];
  const helpful = choices
    .map((choice, index) => ({ choice, total: counts[index] ?? 0 }))
    .filter(({ total }) => total > 0)
    .sort((one, other) => other.total - one.total);

  return (
    <Notice
      icon="filter"
      title="Nothing matches."
      actions={
        <Button icon="close" onClick={() => go({ filter: "", range: "" })}>
          Show all executions
        </Button>
      }
    >
      <div className={styles.helpful} aria-busy={!isKnown}>
        {isKnown ? (
          <p>
            {wordsFor(isNoneEnough, helpful.length, only.length)}
            {without.length > MOST && ` Only the first ${MOST} conditions were tried.`}
          </p>
        ) : (
          <Skeleton width="16rem" />
        )}
        {helpful.length > 0 && (
          <ul className={styles.choices}>
            {helpful.map(({ choice, total }) => (
              <li key={`${choice.text} ${choice.to.filter}`}>
                <ChoiceButton choice={choice} total={total} isLeftOut={!isNoneEnough} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </Notice>
  );
}

interface ChoiceProps {
  choice: Choice;
  total: number;
  /** Whether the condition is left out, and not kept alone. */
  isLeftOut: boolean;
}

function ChoiceButton({ choice, total, isLeftOut }: ChoiceProps) {
  const { range } = useAddress();
  const zone = useZone();
  const formats = useFormats();
  const within = parseRange(range, zone);
  return (
    <button type="button" className={styles.choice} onClick={() => go(choice.to)}>
      <Icon name={isLeftOut ? "close" : "filter"} />
      <span className={styles.condition}>
        <span className="visually-hidden">{isLeftOut ? "Leave out " : "Keep only "}</span>
        {choice.text === null ? within && wordsOf(within, formats) : <code>{choice.text}</code>}
      </span>
      <span className={styles.total}>{formats.number(total)}</span>
    </button>
  );
}

function wordsFor(isNoneEnough: boolean, helpful: number, conditions: number): string {
  if (!isNoneEnough) {
    return helpful === 1
      ? "Leave this out, and there is something:"
      : "Leave out one of these, and there is something:";
  }
  if (conditions === 1) return "There are no executions without this condition either.";
  return helpful > 0
    ? "To leave out one condition is not enough. Keep only one of these, and there is something:"
    : "None of the conditions finds anything, not even alone.";
}

function filtersOf(choices: readonly Choice[]) {
  return choices.map(({ filter }) => filter);
}
