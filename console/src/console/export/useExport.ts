import { useEffect, useRef, useState } from "react";

import { graphql } from "../generated/gql";
import type { ExecutionFilter, ExecutionOrder } from "../generated/graphql";
import { type Refusal, Refused, useGateway } from "../gateway";
import { type Ends, Export, pause } from "./exporting";
import { type OpenFile, openFile } from "./file";
import type { Format } from "./rows";

const PAGE = graphql(`
  query ExportPage(
    $filter: ExecutionFilter
    $orderBy: [ExecutionOrder!]
    $first: Int!
    $after: String
  ) {
    executions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      nodes {
        ...Exported
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const KINDS = {
  csv: { description: "CSV", type: "text/csv" },
  jsonl: { description: "JSON Lines", type: "application/x-ndjson" },
} as const;

/** Which executions are written. */
export interface Exported {
  filter: ExecutionFilter | null;
  orderBy: readonly ExecutionOrder[];
}

/** How far an export is. */
export type Stage =
  | { kind: "chosen" }
  | { kind: "running"; written: number }
  | { kind: "failed"; written: number; why: Pick<Refusal, "title" | "detail"> }
  | { kind: "done"; written: number };

/** An export, and what can be done with it. */
export interface Exporting {
  stage: Stage;
  start(format: Format): Promise<void>;
  /** Go on after it failed. */
  resume(): void;
  /** Give it up, and what was written. */
  cancel(): void;
}

/** Writes executions to a file. */
export function useExport({ filter, orderBy }: Exported): Exporting {
  const gateway = useGateway();
  const [stage, setStage] = useState<Stage>({ kind: "chosen" });
  const isOpening = useRef(false);
  const running = useRef<{ exporting: Export; file: OpenFile; stop: AbortController } | null>(null);

  useEffect(() => {
    return () => {
      running.current?.stop.abort();
      void running.current?.file.abort();
      running.current = null;
    };
  }, []);

  async function run() {
    const current = running.current;
    if (!current) return;
    setStage((before) => ({ kind: "running", written: writtenIn(before) }));
    try {
      await current.exporting.run(current.stop.signal);
      await current.file.close();
      running.current = null;
      setStage((before) => ({ kind: "done", written: writtenIn(before) }));
    } catch (error) {
      if (current.stop.signal.aborted) return;
      setStage((before) => ({ kind: "failed", written: writtenIn(before), why: whyOf(error) }));
    }
  }

  async function start(format: Format) {
    const { description, type } = KINDS[format];
    if (isOpening.current) return;
    isOpening.current = true;
    const opened = openFile({ name: nameOf(format), description, type });
    const file = await opened.finally(() => (isOpening.current = false));
    if (!file) return;
    const ends: Ends = {
      write: (text) => file.write(text),
      progress: (written) => setStage({ kind: "running", written }),
      wait: pause,
      async page({ order, first, after }, signal) {
        const asked = { filter, orderBy: order === "list" ? orderBy : null, first, after };
        const { executions } = await gateway.query(PAGE, asked, { signal });
        const { hasNextPage, endCursor } = executions.pageInfo;
        return { rows: executions.nodes, cursor: hasNextPage ? endCursor : null };
      },
    };
    const exporting = new Export(format, ends, isStill(orderBy));
    running.current = { exporting, file, stop: new AbortController() };
    await run();
  }

  function cancel() {
    running.current?.stop.abort();
    void running.current?.file.abort();
    running.current = null;
  }

  return { stage, start, resume: () => void run(), cancel };
}

/** Whether executions keep their places in an order, whatever happens to them. */
export function isStill([first]: readonly ExecutionOrder[]): boolean {
  return first === undefined || first.field === "CREATED_ON";
}

function writtenIn(stage: Stage): number {
  return "written" in stage ? stage.written : 0;
}

function whyOf(error: unknown): Pick<Refusal, "title" | "detail"> {
  if (error instanceof Refused) return error.refusal;
  const detail = error instanceof Error ? error.message : "";
  return { title: "The file could not be written.", detail };
}

/** A name that tells one export from another. */
function nameOf(format: Format): string {
  const now = new Date().toISOString().slice(0, 16).replace(":", "-");
  return `executions-${now}.${format}`;
}
