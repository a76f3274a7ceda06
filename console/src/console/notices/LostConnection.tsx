import { useEffect, useState } from "react";

import { Button, Icon } from "../design";
import { useConnection, useGateway } from "../gateway";
import { useFormats } from "../time";
import styles from "./notices.module.css";

/** Shorter breaks, such as when the gateway is replaced, are nobody's business. */
const SAID_AFTER_MS = 2_000;

/** Says that changes don't arrive any more, since when, and that it will pass. */
export function LostConnection() {
  const connection = useConnection();
  const { live } = useGateway();
  const formats = useFormats();
  const since = connection.state === "lost" ? connection.since : null;
  const [isSaid, setSaid] = useState(false);

  useEffect(() => {
    if (since === null) return;
    const timer = setTimeout(() => setSaid(true), SAID_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setSaid(false);
    };
  }, [since]);

  return (
    <div role="status">
      {since !== null && isSaid && (
        <div className={styles.bar}>
          <Icon name="warning" />
          <span>
            <strong>The connection is lost.</strong> What you see is from{" "}
            <time dateTime={new Date(since).toISOString()}>{formats.time(since)}</time>. It comes
            back by itself, and catches up.
          </span>
          <Button onClick={() => live.retry()}>Try now</Button>
        </div>
      )}
    </div>
  );
}
