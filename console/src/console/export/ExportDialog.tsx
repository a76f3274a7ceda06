import { useState } from "react";

import { Button, Dialog, Icon, Progress, Segments } from "../design";
import { MOST_AT_ONCE } from "../gateway";
import { useFormats } from "../time";
import styles from "./export.module.css";
import type { Format } from "./rows";
import { type Exported, isStill, useExport } from "./useExport";

const FORMATS = [
  { value: "csv", name: "CSV" },
  { value: "jsonl", name: "JSON Lines" },
] as const satisfies readonly { value: Format; name: string }[];

const NOTES: Record<Format, string> = {
  csv: "For spreadsheets. A text that a spreadsheet would run as a formula has an apostrophe before it.",
  jsonl: "For programs: an object on each line.",
};

interface Props extends Exported {
  /** How many there are; null if that is not known. */
  total: number | null;
  onClose(): void;
}

/** Chooses a format, and writes what is listed to a file. */
export default function ExportDialog({ total, onClose, ...exported }: Props) {
  const formats = useFormats();
  const [format, setFormat] = useState<Format>("csv");
  const { stage, start, resume, cancel } = useExport(exported);

  const moves = !isStill(exported.orderBy) && (total ?? Infinity) > MOST_AT_ONCE;

  function close() {
    cancel();
    onClose();
  }

  if (stage.kind === "chosen") {
    return (
      <Dialog
        title={total === null ? "Export executions" : `Export ${formats.executions(total)}`}
        onClose={close}
        actions={
          <>
            <Button onClick={close}>Cancel</Button>
            <Button kind="main" icon="export" onClick={() => void start(format)}>
              Export
            </Button>
          </>
        }
      >
        <div className={styles.content}>
          <p>
            All that the list has with this filter, not what is selected,{" "}
            {moves
              ? "newest first: what changes while it is written would move in the order of the list, and be missed or written twice."
              : "in its order."}
          </p>
          <Segments<Format> label="Format" options={FORMATS} value={format} onChange={setFormat} />
          <p className={styles.note}>
            {NOTES[format]} The gateway’s <code>import</code> reads it too.
          </p>
        </div>
      </Dialog>
    );
  }

  if (stage.kind === "done") {
    return (
      <Dialog
        title="Exported"
        onClose={close}
        actions={
          <Button kind="main" onClick={close}>
            Close
          </Button>
        }
      >
        <p role="status">{formats.executions(stage.written)} are in the file.</p>
      </Dialog>
    );
  }

  const hasFailed = stage.kind === "failed";
  // Some may have come meanwhile.
  const share = total ? Math.min(1, stage.written / total) : undefined;
  const of = total === null ? "" : ` of ${formats.number(Math.max(total, stage.written))}`;
  return (
    <Dialog
      title={hasFailed ? "The export has stopped" : "Exporting"}
      onClose={close}
      isHeld={!hasFailed}
      actions={
        <>
          <Button onClick={close}>{hasFailed ? "Give it up" : "Cancel"}</Button>
          {hasFailed && (
            <Button kind="main" icon="reload" onClick={resume}>
              Go on
            </Button>
          )}
        </>
      }
    >
      <div className={styles.content}>
        {hasFailed && (
          <p role="alert" className={styles.why}>
            <Icon name="warning" />
            <span>
              <strong>{stage.why.title}</strong> {stage.why.detail}
            </span>
          </p>
        )}
        <Progress label={`${formats.number(stage.written)}${of} executions`} done={share} />
      </div>
    </Dialog>
  );
}
