import { lazy, Suspense, useState } from "react";

import { useAddress } from "../address";
import { ErrorBoundary } from "../notices";
import { Button } from "../design";
import { parseFilter } from "../filter/language";
import { useList } from "../list/useList";
import { useZone } from "../time";
import styles from "./button.module.css";
import type { Exported } from "./useExport";

const ExportDialog = lazy(() => import("./ExportDialog"));

/** Saves what is filtered to a file. */
export function ExportButton() {
  const { filter, orderBy, total } = useList();
  const { filter: text } = useAddress();
  const zone = useZone();
  // What is exported is what is listed now, whatever comes while the dialog is open.
  const [exported, setExported] = useState<(Exported & { total: number | null }) | null>(null);
  const isUnclear = parseFilter(text, { now: new Date(), zone }).problems.length > 0;
  const off = isUnclear
    ? "The filter is not understood"
    : total === 0
      ? "There is nothing to export"
      : undefined;

  return (
    <>
      <Button icon="export" off={off} onClick={() => setExported({ filter, orderBy, total })}>
        <span className={styles.word}>Export</span>
      </Button>
      {exported && (
        <ErrorBoundary>
          <Suspense>
            <ExportDialog {...exported} onClose={() => setExported(null)} />
          </Suspense>
        </ErrorBoundary>
      )}
    </>
  );
}
