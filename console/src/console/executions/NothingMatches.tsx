import { useMemo } from "react";

import { go, useAddress } from "../address";
import { Button, Icon, Skeleton } from "../design";
import { parseFilter } from "../filter/language";
import { graphql } from "../generated/gql";
import type { ExecutionFilter } from "../generated/graphql";
import { useQuery } from "../gateway";
import { Notice } from "../notices";
import { conditionOf, parseRange, useFormats, useZone, wordsOf } from "../time";
import styles from "./executions.module.css";
import { type Without, withoutOne } from "./withoutOne";

const WITHOUT_ONE = graphql(`
  query WithoutOne(
    $a: ExecutionFilter
    $b: ExecutionFilter
    $c: ExecutionFilter
    $d: ExecutionFilter
    $e: ExecutionFilter
    $f: ExecutionFilter
    $g: ExecutionFilter
    $h: ExecutionFilter
    $hasB: Boolean!
    $hasC: Boolean!
    $hasD: Boolean!
    $hasE: Boolean!
    $hasF: Boolean!
    $hasG: Boolean!
    $hasH: Boolean!
  ) {
    a: executions(filter: $a) {
      totalCount
    }
    b: executions(filter: $b) @include(if: $hasB) {
      totalCount
    }
    c: executions(filter: $c) @include(if: $hasC) {
      totalCount
    }
    d: executions(filter: $d) @include(if: $hasD) {
      totalCount
    }
    e: executions(filter: $e) @include(if: $hasE) {
      totalCount
    }
    f: executions(filter: $f) @include(if: $hasF) {
      totalCount
    }
    g: executions(filter: $g) @include(if: $hasG) {
      totalCount
    }
    h: executions(filter: $h) @include(if: $hasH) {
      totalCount
    }
  }
`);

/** Says that nothing is as the filter and the range ask for, and which condition keeps it out. */
export function NothingMatches() {
  const { filter: text, range } = useAddress();
  const zone = useZone();
  const formats = useFormats();
  const parsedRange = parseRange(range, zone);
  const choices = useMemo(() => {
    const now = new Date();
    const within = parseRange(range, zone);
    const createdOn = within && conditionOf(within, now.getTime());
    return withoutOne(text, parseFilter(text, { now, zone }), createdOn && { createdOn });
  }, [text, range, zone]);
  const { data } = useQuery(WITHOUT_ONE, variablesOf(choices), { pause: choices.length === 0 });
  const totals = data && [data.a, data.b, data.c, data.d, data.e, data.f, data.g, data.h];
  const ranked = choices
    .map((choice, index) => ({ choice, total: totals?.[index]?.totalCount }))
    .sort((one, other) => (other.total ?? 0) - (one.total ?? 0));
  const isAnyHelpful = ranked.some(({ total }) => total !== 0);

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
      <p>
        {isAnyHelpful
          ? "Leave out one of these, and there is something:"
          : "There would be nothing either without any one of these:"}
      </p>
      <ul className={styles.choices} aria-busy={totals === undefined}>
        {ranked.map(({ choice, total }) => (
          <li key={`${choice.text} ${choice.rest}`}>
            <button
              type="button"
              className={styles.choice}
              onClick={() => go(choice.text === null ? { range: "" } : { filter: choice.rest })}
            >
              <Icon name="close" />
              <span className={styles.condition}>
                <span className="visually-hidden">Leave out </span>
                {choice.text === null ? (
                  parsedRange && wordsOf(parsedRange, formats)
                ) : (
                  <code>{choice.text}</code>
                )}
              </span>
              <span className={styles.total}>
                {total === undefined ? <Skeleton width="3rem" /> : formats.number(total)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function variablesOf(choices: readonly Without[]) {
  const filterAt = (index: number): ExecutionFilter | null => choices[index]?.filter ?? null;
  const has = (index: number) => index < choices.length;
  return {
    a: filterAt(0),
    b: filterAt(1),
    c: filterAt(2),
    d: filterAt(3),
    e: filterAt(4),
    f: filterAt(5),
    g: filterAt(6),
    h: filterAt(7),
    hasB: has(1),
    hasC: has(2),
    hasD: has(3),
    hasE: has(4),
    hasF: has(5),
    hasG: has(6),
    hasH: has(7),
  };
}
