import { useEffect, useState } from "react";

import { Link } from "../address";
import { Announcement, StateMark } from "../design";
import { keepAsking, useGateway } from "../gateway";
import { graphql } from "../generated/gql";
import type { Outside } from "../list/outside";
import { useGrid } from "../list/useList";
import { useFormats } from "../time";
import styles from "./table.module.css";

const RUNNING_OUTSIDE = graphql(`
  query RunningOutside($running: ExecutionFilter, $listed: ExecutionFilter) {
    eventCursor
    running: executions(filter: $running) {
      totalCount
    }
    listed: executions(filter: $listed) {
      totalCount
    }
  }
`);

/**
 * Says what still runs of what the range leaves out, which would be hidden without a word. It comes
 * after the rows, which it does not move.
 */
export function RunningOutside() {
  const { outside } = useGrid().question;
  const formats = useFormats();
  const count = useCount(outside);
  const running =
    count === 1 ? "1 running execution" : `${formats.number(count)} running executions`;
  const isShown = outside !== null && count > 0;
  return (
    <>
      <Announcement text={isShown ? `${running} ${BEGAN}` : ""} about={JSON.stringify(outside)} />
      {isShown && (
        <p className={styles.outside}>
          <StateMark state="INPROGRESS" isWordHidden />
          <span>
            <Link to={outside.to}>{running}</Link> {BEGAN}
          </span>
        </p>
      )}
    </>
  );
}

const BEGAN = "began outside this range";

/** How many run outside, counted again as executions change; 0 until it is known. */
function useCount(outside: Outside | null): number {
  const gateway = useGateway();
  const key = JSON.stringify(outside);
  const [counted, setCounted] = useState({ key: "", count: 0 });

  useEffect(() => {
    const about = JSON.parse(key) as Outside | null;
    if (about === null) return;
    const { running, listed } = about;
    async function find(signal: AbortSignal) {
      const found = await gateway.query(RUNNING_OUTSIDE, { running, listed }, { signal });
      const count = found.running.totalCount - found.listed.totalCount;
      return { filter: running, eventCursor: found.eventCursor, count };
    }
    return keepAsking(gateway, find, {
      found: ({ count }) => setCounted({ key, count }),
      // The list says why nothing can be had.
      refused: () => undefined,
    });
  }, [gateway, key]);

  return counted.key === key ? counted.count : 0;
}
