import { useState } from "react";

import { Button, Segments, useCopy } from "../design";
import { useViewer } from "../gateway";
import styles from "./emptyDatabase.module.css";
import { Notice } from "./Notice";

const SQL = `INSERT INTO agentflows (id, name) VALUES ('flow-1', 'Support agent');
INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)
VALUES ('run-1', 'flow-1', 'session-1', 'INPROGRESS', 1700000000000);
UPDATE executions SET state = 'FINISHED' WHERE guid = 'run-1';`;
const IMPORT = `executions-gateway import executions.csv
executions-gateway import --follow 30s --header @header \\
  https://flowise.example/api/v1/executions`;
const FLOWISE = `DB=sqlite:///$HOME/.flowise/database.sqlite
executions-gateway attach flowise --check --database $DB
executions-gateway attach flowise --database $DB`;

const WAYS = [
  {
    value: "sql",
    name: "SQL",
    text: SQL,
    words:
      "Engines write executions into the gateway’s database with plain SQL. What they write is here at once.",
  },
  {
    value: "import",
    name: "Import",
    text: IMPORT,
    words:
      "Import files (CSV, JSON Lines, or JSON), or the list of a server that is running, and keep up with it.",
  },
  {
    value: "flowise",
    name: "Flowise",
    text: FLOWISE,
    words:
      "Put the gateway in front of the database of a Flowise. With --check, it changes nothing and says what is there.",
  },
] as const;

/** Says that there are no executions yet, and how they get in. */
export function EmptyDatabase() {
  const [chosen, choose] = useState<string>("sql");
  const { viewer } = useViewer();
  const copy = useCopy();
  const workspace = viewer?.workspaceId ?? null;
  const way = WAYS.find(({ value }) => value === chosen) ?? WAYS[0];
  return (
    <Notice
      icon="executions"
      title={
        workspace === null
          ? "There are no executions yet."
          : `The workspace ${workspace} has no executions yet.`
      }
    >
      <p>They appear here by themselves as soon as there are some. This is how they get in:</p>
      <div className={styles.ways}>
        <Segments label="How executions get in" options={WAYS} value={chosen} onChange={choose} />
        <Button kind="quiet" icon="copy" onClick={() => copy(way.text, "The example")}>
          Copy
        </Button>
      </div>
      <pre className={styles.example} tabIndex={0} aria-label={`Example: ${way.name}`}>
        {way.text}
      </pre>
      <p>{way.words}</p>
    </Notice>
  );
}
