import { useEffect } from "react";

import { Button, Icon } from "../design";
import { useGateway, useObservable } from "../gateway";
import styles from "./notices.module.css";

/** Says that the gateway was replaced by another version, and that this page is to be loaded again. */
export function OutdatedPage() {
  const { outdated, noteMissingPart } = useGateway();
  const isOutdated = useObservable(outdated);

  useEffect(() => {
    // Vite says so of a part of the page that can't be loaded.
    addEventListener("vite:preloadError", noteMissingPart);
    return () => removeEventListener("vite:preloadError", noteMissingPart);
  }, [noteMissingPart]);

  return (
    <div role="status">
      {isOutdated && (
        <div className={styles.bar}>
          <Icon name="warning" />
          <span>
            <strong>The gateway is of another version by now.</strong> What you see may be old, and
            parts of this page may fail, until you load it again.
          </span>
          <Button onClick={() => location.reload()}>Load again</Button>
        </div>
      )}
    </div>
  );
}
