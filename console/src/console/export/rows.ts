import { graphql } from "../generated/gql";
import type { ExportedFragment } from "../generated/graphql";

graphql(`
  fragment Exported on Execution {
    databaseId
    guid
    agentflowId
    agentflowName
    sessionId
    state
    createdOn
    updatedOn
    finishedOn
    workspaceId
    durationMs
    error
  }
`);

/** The formats of files. */
export type Format = "csv" | "jsonl";

// The first ones are those of the gateway's own exports, which `import` reads.
const COLUMNS = [
  ["id", "databaseId"],
  ["guid", "guid"],
  ["agentflow_id", "agentflowId"],
  ["agentflow_name", "agentflowName"],
  ["session_id", "sessionId"],
  ["state", "state"],
  ["created_on", "createdOn"],
  ["updated_on", "updatedOn"],
  ["finished_on", "finishedOn"],
  ["workspace_id", "workspaceId"],
  ["duration_ms", "durationMs"],
  ["error", "error"],
] as const satisfies readonly (readonly [string, keyof ExportedFragment])[];

/** Texts whose keys JSON Lines names when they are empty, which `import` else takes for missing. */
const EMPTY_TEXTS = "empty_texts";
const MAY_BE_EMPTY = new Set([
  "guid",
  "agentflow_id",
  "agentflow_name",
  "session_id",
  "workspace_id",
]);

// What a spreadsheet would run as a formula, or after any number of apostrophes would be read as one;
// an empty text needs one too, to be another than none.
const NEEDS_APOSTROPHE = /^'*(?:[=+\-@\t\n\r\0\uff0b\uff0d\uff1d\uff20]|$)/;

/** What a file begins with. */
export function headOf(format: Format): string {
  return format === "csv" ? `${COLUMNS.map(([name]) => name).join(",")}\r\n` : "";
}

/** Executions as lines of a file, each with its end. */
export function linesOf(format: Format, rows: readonly ExportedFragment[]): string {
  return rows.map(format === "csv" ? csvLine : jsonLine).join("");
}

/** A line of CSV as RFC 4180 has it: texts in quotation marks, and nothing at all for none. */
function csvLine(row: ExportedFragment): string {
  return `${COLUMNS.map(([, field]) => cell(row[field])).join(",")}\r\n`;
}

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const harmless = NEEDS_APOSTROPHE.test(value) ? `'${value}` : value;
  return `"${harmless.replaceAll('"', '""')}"`;
}

function jsonLine(row: ExportedFragment): string {
  const line: Record<string, unknown> = {};
  const empty: string[] = [];
  for (const [name, field] of COLUMNS) {
    line[name] = row[field];
    if (row[field] === "" && MAY_BE_EMPTY.has(name)) empty.push(name);
  }
  if (empty.length > 0) line[EMPTY_TEXTS] = empty;
  return `${JSON.stringify(line)}\n`;
}
