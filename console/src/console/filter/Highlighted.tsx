import type { ReactNode } from "react";

import styles from "./field.module.css";
import type { Problem } from "./language";
import { isOr, type Token, tokensOf } from "./tokens";

const KEY = /^-?(?:[\p{L}][\p{L}\d_-]*(?:::|==|>=|<=|[:=<>]))?/u;

/** How many terms are set apart; what follows them is seen by nobody before it is scrolled to. */
const MOST_TERMS = 200;

interface Props {
  text: string;
  problems: readonly Problem[];
}

/** The text of a filter with its terms set apart, and what can't be understood underlined. */
export function Highlighted({ text, problems }: Props) {
  const shown: ReactNode[] = [];
  let at = 0;
  for (const token of tokensOf(text).slice(0, MOST_TERMS)) {
    shown.push(text.slice(at, token.from));
    shown.push(<Term key={token.from} text={text} token={token} problems={problems} />);
    at = token.to;
  }
  shown.push(text.slice(at));
  return <>{shown}</>;
}

function Term({ text, token, problems }: Props & { token: Token }) {
  const { from, to } = token;
  const problem = problems.find((each) => each.from >= from && each.to <= to);
  const valuesFrom = from + (KEY.exec(text.slice(from, to))?.[0].length ?? 0);
  const cuts = [from, valuesFrom, problem?.from ?? to, problem?.to ?? to, to];
  if (isOr(token)) return <span className={styles.head}>{text.slice(from, to)}</span>;
  const ordered = [...new Set(cuts)].sort((one, other) => one - other);
  return (
    <span className={styles.term}>
      {ordered.slice(0, -1).map((start, index) => {
        const end = ordered[index + 1] ?? to;
        const isWrong = problem && start >= problem.from && end <= problem.to;
        const classes = [end <= valuesFrom && styles.head, isWrong && styles.underlined];
        return (
          <span key={start} className={classes.filter(Boolean).join(" ")}>
            {text.slice(start, end)}
          </span>
        );
      })}
    </span>
  );
}
