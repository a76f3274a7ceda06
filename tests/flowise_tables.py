"""Flowise's tables, as the migrations of Flowise 3.1.4 make them, and rows as Flowise writes them.

Only those that executions have to do with.
"""

import itertools
import uuid
from collections.abc import Iterable, Mapping

from tests.places import Place, PostgresPlace, SQLitePlace

WORKSPACES = ("workspace-a", "workspace-b")
"""The workspaces that there are: Flowise turns foreign keys on."""

_EXECUTION = """CREATE TABLE "{name}" (
            "id" varchar PRIMARY KEY NOT NULL,
            "executionData" text NOT NULL,
            "action" text,
            "state" varchar NOT NULL,
            "agentflowId" varchar NOT NULL,
            "sessionId" varchar NOT NULL,
            "isPublic" boolean,
            "createdDate" datetime NOT NULL DEFAULT (datetime('now')),
            "updatedDate" datetime NOT NULL DEFAULT (datetime('now')),
            "stoppedDate" datetime{workspace}
        )"""
_OF_WORKSPACE = """,
            "workspaceId" varchar,
            FOREIGN KEY ("workspaceId") REFERENCES "workspace"("id")"""
_CHAT_FLOW = """CREATE TABLE "{name}" (
                "id" varchar PRIMARY KEY NOT NULL,
                "name" varchar NOT NULL,
                "flowData" text NOT NULL,
                "deployed" boolean,
                "isPublic" boolean,
                "apikeyid" varchar,
                "chatbotConfig" text,
                "createdDate" datetime NOT NULL DEFAULT (datetime('now')),
                "updatedDate" datetime NOT NULL DEFAULT (datetime('now')),
                "apiConfig" TEXT,
                "analytic" TEXT,
                "category" TEXT,
                "speechToText" TEXT,
                "type" VARCHAR(20) NOT NULL DEFAULT 'CHATFLOW',
                "workspaceId" TEXT,
                "followUpPrompts" TEXT, "textToSpeech" TEXT, "mcpServerConfig" TEXT,
                "webhookSecret" TEXT, "webhookSecretConfigured" BOOLEAN DEFAULT FALSE,
                FOREIGN KEY ("workspaceId") REFERENCES "workspace"("id")
            )"""
_OLD_CHAT_FLOW = """CREATE TABLE "chat_flow" ("id" varchar PRIMARY KEY NOT NULL,
    "name" varchar NOT NULL, "flowData" text NOT NULL, "deployed" boolean, "isPublic" boolean,
    "apikeyid" varchar, "chatbotConfig" text,
    "createdDate" datetime NOT NULL DEFAULT (datetime('now')),
    "updatedDate" datetime NOT NULL DEFAULT (datetime('now')), "apiConfig" TEXT, "analytic" TEXT,
    "category" TEXT, "speechToText" TEXT, "type" TEXT, "followUpPrompts" TEXT)"""
_CHAT_MESSAGE = """CREATE TABLE "{name}" ("id" varchar PRIMARY KEY NOT NULL,
    "role" varchar NOT NULL, "chatflowid" varchar NOT NULL, "content" text NOT NULL,
    "sourceDocuments" text, "usedTools" text, "fileAnnotations" text, "fileUploads" text,
    "createdDate" datetime NOT NULL DEFAULT (datetime('now')),
    "chatType" VARCHAR NOT NULL DEFAULT 'INTERNAL', "chatId" VARCHAR NOT NULL,
    "memoryType" VARCHAR, "sessionId" VARCHAR, "leadEmail" TEXT, "agentReasoning" TEXT,
    "action" TEXT, "artifacts" TEXT, "followUpPrompts" TEXT, "executionId" varchar{more})"""
_MESSAGES_BY_FLOW = 'CREATE INDEX "IDX_e574527322272fd838f4f0f3d3" ON "chat_message" ("chatflowid")'
_MIGRATIONS = (
    'CREATE TABLE "migrations" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,'
    ' "timestamp" bigint NOT NULL, "name" varchar NOT NULL)'
)
SQLITE_TABLES = (
    _MIGRATIONS,
    'CREATE TABLE "workspace" ("id" uuid primary key, "name" varchar(100) not null)',
    _EXECUTION.format(name="execution", workspace=_OF_WORKSPACE),
    'CREATE INDEX "idx_execution_workspaceId" ON "execution"("workspaceId")',
    _CHAT_FLOW.format(name="chat_flow"),
    'CREATE INDEX "IDX_chatflow_name" ON "chat_flow" (substr(name, 1, 255))',
    _CHAT_MESSAGE.format(name="chat_message", more=', "reasonContent" TEXT'),
    _MESSAGES_BY_FLOW,
    (
        'INSERT INTO "migrations" ("timestamp", "name")'
        " VALUES (1776240000000, 'AddWebhookSecretToChatFlow1776240000000')"
    ),
)
"""The tables of Flowise 3.1.4 in SQLite."""
OLD_SQLITE_TABLES = (
    _MIGRATIONS,
    _EXECUTION.format(name="execution", workspace=""),
    _OLD_CHAT_FLOW,
    _CHAT_MESSAGE.format(name="chat_message", more=""),
    _MESSAGES_BY_FLOW,
    (
        'INSERT INTO "migrations" ("timestamp", "name")'
        " VALUES (1738090872625, 'AddExecutionEntity1738090872625')"
    ),
)
"""The tables in SQLite of the first Flowise that has executions, which knows no workspaces."""
_EXECUTION_COLUMNS = (
    '"id", "executionData", "action", "state", "agentflowId", "sessionId", "isPublic",'
    ' "createdDate", "updatedDate", "stoppedDate", "workspaceId"'
)
SQLITE_REBUILDS = {
    "execution": (
        _EXECUTION.format(name="temp_execution", workspace=_OF_WORKSPACE),
        (
            f'INSERT INTO "temp_execution" ({_EXECUTION_COLUMNS})'
            f' SELECT {_EXECUTION_COLUMNS} FROM "execution"'
        ),
        'DROP TABLE "execution"',
        'ALTER TABLE "temp_execution" RENAME TO "execution"',
    ),
    "chat_flow": (
        _CHAT_FLOW.format(name="temp_chat_flow"),
        (
            'INSERT INTO "temp_chat_flow" ("id", "name", "flowData", "type")'
            ' SELECT "id", "name", "flowData", "type" FROM "chat_flow"'
        ),
        'DROP TABLE "chat_flow"',
        'ALTER TABLE "temp_chat_flow" RENAME TO "chat_flow"',
    ),
    "chat_message": (
        _CHAT_MESSAGE.format(name="temp_chat_message", more=', "reasonContent" TEXT'),
        (
            'INSERT INTO "temp_chat_message"'
            ' ("id", "role", "chatflowid", "content", "chatId", "executionId")'
            ' SELECT "id", "role", "chatflowid", "content", "chatId", "executionId"'
            ' FROM "chat_message"'
        ),
        'DROP TABLE "chat_message"',
        'ALTER TABLE "temp_chat_message" RENAME TO "chat_message"',
    ),
}
"""How Flowise's migrations rebuild tables in SQLite, which has no other way to alter columns."""


_ID = "id uuid NOT NULL DEFAULT gen_random_uuid()"
_DATES = (
    '"createdDate" timestamp NOT NULL DEFAULT now(), "updatedDate" timestamp NOT NULL DEFAULT now()'
)
_EXECUTION_IN_POSTGRES = f"""CREATE TABLE execution (
    {_ID}, "executionData" text NOT NULL, "action" text, "state" varchar NOT NULL,
    "agentflowId" uuid NOT NULL, "sessionId" uuid NOT NULL, "isPublic" boolean, {_DATES},
    "stoppedDate" timestamp, CONSTRAINT "PK_936a419c3b8044598d72d95da61" PRIMARY KEY (id)
)"""
_CHAT_FLOW_IN_POSTGRES = f"""CREATE TABLE chat_flow (
    {_ID}, "name" varchar NOT NULL, "flowData" text NOT NULL, deployed bool, "isPublic" bool,
    apikeyid varchar, "chatbotConfig" text, {_DATES}, "apiConfig" text, "analytic" text,
    "category" text, "speechToText" text, "type" text, "followUpPrompts" text,
    CONSTRAINT "PK_3c7cea7d047ac4b91764574cdbf" PRIMARY KEY (id)
)"""
_CHAT_MESSAGE_IN_POSTGRES = f"""CREATE TABLE chat_message (
    {_ID}, "role" varchar NOT NULL, chatflowid uuid NOT NULL, "content" text NOT NULL,
    "sourceDocuments" text, "createdDate" timestamp NOT NULL DEFAULT now(),
    "chatType" varchar NOT NULL DEFAULT 'INTERNAL', "chatId" varchar NOT NULL,
    "memoryType" varchar, "sessionId" varchar, "usedTools" text, "fileAnnotations" text,
    "fileUploads" text, "leadEmail" text, "agentReasoning" text, "action" text, "artifacts" text,
    "followUpPrompts" text, "executionId" uuid,
    CONSTRAINT "PK_3cc0d85193aade457d3077dd06b" PRIMARY KEY (id)
)"""
OLD_POSTGRES_TABLES = (
    (
        "CREATE TABLE migrations"
        " (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL)"
    ),
    _EXECUTION_IN_POSTGRES,
    _CHAT_FLOW_IN_POSTGRES,
    _CHAT_MESSAGE_IN_POSTGRES,
    'CREATE INDEX "IDX_e574527322272fd838f4f0f3d3" ON chat_message USING btree ("chatflowid")',
    'CREATE INDEX "IDX_f56c36fe42894d57e5c664d229" ON "chat_message" ("chatflowid")',
    (
        "INSERT INTO migrations (timestamp, name)"
        " VALUES (1738090872625, 'AddExecutionEntity1738090872625')"
    ),
)
"""The tables in PostgreSQL of the first Flowise that has executions."""
POSTGRES_MIGRATIONS = (
    f'CREATE TABLE workspace ({_ID}, "name" varchar(100) NOT NULL, PRIMARY KEY (id))',
    'ALTER TABLE "chat_flow" ADD COLUMN IF NOT EXISTS "workspaceId" varchar',
    (
        'ALTER TABLE "chat_flow" ALTER COLUMN "workspaceId" SET DATA TYPE UUID'
        ' USING "workspaceId"::UUID'
    ),
    (
        'ALTER TABLE "chat_flow" ADD CONSTRAINT "fk_chat_flow_workspaceId"'
        ' FOREIGN KEY ("workspaceId") REFERENCES "workspace"("id")'
    ),
    'CREATE INDEX "idx_chat_flow_workspaceId" ON "chat_flow"("workspaceId")',
    'ALTER TABLE "execution" ADD COLUMN IF NOT EXISTS "workspaceId" varchar',
    (
        'ALTER TABLE "execution" ALTER COLUMN "workspaceId" SET DATA TYPE UUID'
        ' USING "workspaceId"::UUID'
    ),
    (
        'ALTER TABLE "execution" ADD CONSTRAINT "fk_execution_workspaceId"'
        ' FOREIGN KEY ("workspaceId") REFERENCES "workspace"("id")'
    ),
    'CREATE INDEX "idx_execution_workspaceId" ON "execution"("workspaceId")',
    'ALTER TABLE "execution" ALTER COLUMN "sessionId" type varchar USING "sessionId"::varchar',
    'ALTER TABLE "chat_flow" ADD COLUMN IF NOT EXISTS "textToSpeech" TEXT',
    """UPDATE "chat_flow" SET "type" = 'CHATFLOW' WHERE "type" IS NULL OR "type" = ''""",
    """ALTER TABLE "chat_flow" ALTER COLUMN "type" SET DEFAULT 'CHATFLOW'""",
    'ALTER TABLE "chat_flow" ALTER COLUMN "type" TYPE VARCHAR(20)',
    'ALTER TABLE "chat_flow" ALTER COLUMN "type" SET NOT NULL',
    (
        'CREATE INDEX IF NOT EXISTS "IDX_chatflow_name"'
        ' ON "chat_flow" (substring("name" from 1 for 255))'
    ),
    'ALTER TABLE "chat_message" ADD COLUMN IF NOT EXISTS "reasonContent" TEXT',
    'ALTER TABLE "chat_flow" ADD COLUMN IF NOT EXISTS "mcpServerConfig" TEXT',
    'ALTER TABLE "chat_flow" ADD COLUMN IF NOT EXISTS "webhookSecret" TEXT',
    (
        'ALTER TABLE "chat_flow" ADD COLUMN IF NOT EXISTS "webhookSecretConfigured"'
        " BOOLEAN DEFAULT FALSE"
    ),
    (
        "INSERT INTO migrations (timestamp, name)"
        " VALUES (1776240000001, 'AddWebhookSecretToChatFlow1776240000001')"
    ),
)
"""How Flowise's migrations make those of 3.1.4 of them.

``gen_random_uuid`` stands for ``uuid_generate_v4`` of an extension.
"""
_UUIDS = ("id", "agentflowId", "workspaceId", "executionId")
_TIMESTAMPS = ("createdDate", "updatedDate", "stoppedDate")


def create_flowise(place: Place, *, is_old: bool = False) -> None:
    """Create Flowise's tables beside what is in a place, empty but for the workspaces.

    If ``is_old``, those of the first version that has executions.
    """
    statements: tuple[str, ...] = OLD_SQLITE_TABLES if is_old else SQLITE_TABLES
    if isinstance(place, PostgresPlace):
        statements = OLD_POSTGRES_TABLES + (() if is_old else POSTGRES_MIGRATIONS)
    place.run_all(statements)
    if not is_old:
        _insert(place, "workspace", [{"id": w, "name": w} for w in WORKSPACES])


def id_of(place: Place, name: str) -> str:
    """The id of a flow, an execution or a workspace that tests call by a name.

    It is the name itself in SQLite, and a UUID in PostgreSQL.
    """
    return name if isinstance(place, SQLitePlace) else str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def run_id(place: Place, number: int) -> str:
    """The id of the execution that was added as ``run-<number>``."""
    return id_of(place, f"run-{number}")


def add_executions(place: Place, rows: Iterable[dict[str, object]]) -> None:
    """Insert rows into Flowise's ``execution``; what a row lacks is as of a finished one.

    Ids are those that ``id_of`` tells of, but for that of a session.
    """
    finished = {
        "executionData": "[]",
        "state": "FINISHED",
        "agentflowId": "flow-a",
        "sessionId": "session-a",
    }
    _insert(place, "execution", [finished | row for row in rows])


def add_flows(place: Place, names: dict[str, str]) -> None:
    """Insert flows with the given names by their ids."""
    flows = [{"id": flow, "name": name, "flowData": "{}"} for flow, name in names.items()]
    _insert(place, "chat_flow", flows)


def _insert(place: Place, table: str, rows: Iterable[Mapping[str, object]]) -> None:
    is_postgres = isinstance(place, PostgresPlace)
    for columns, alike in itertools.groupby(rows, key=tuple):
        marks = ", ".join(_mark(name) if is_postgres else "?" for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        values = [tuple(_value(place, name, row[name]) for name in columns) for row in alike]
        place.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def _value(place: Place, column: str, value: object) -> object:
    return id_of(place, str(value)) if column in _UUIDS and value is not None else value


def _mark(column: str) -> str:
    """A parameter that is a text whatever the type of the column."""
    if column in _UUIDS:
        return "?::text::uuid"
    return "?::text::timestamp" if column in _TIMESTAMPS else "?"
