"""Flowise's tables, as the migrations of Flowise 3.1.4 make them, and rows as Flowise writes them.

Only those that executions have to do with.
"""

from collections.abc import Iterable

from tests.places import Place, SQLitePlace

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


def create_flowise(place: Place, *, is_old: bool = False) -> None:
    """Create Flowise's tables beside what is in a place, empty but for the workspaces.

    If ``is_old``, those of the first version that has executions.
    """
    assert isinstance(place, SQLitePlace)
    for statement in OLD_SQLITE_TABLES if is_old else SQLITE_TABLES:
        place.run(statement, [()])
    if not is_old:
        place.run("INSERT INTO workspace (id, name) VALUES (?, ?)", [(w, w) for w in WORKSPACES])


def add_executions(place: Place, rows: Iterable[dict[str, object]]) -> None:
    """Insert rows into Flowise's ``execution``; what a row lacks is as of a finished one."""
    for row in rows:
        values = {
            "executionData": "[]",
            "state": "FINISHED",
            "agentflowId": "flow-a",
            "sessionId": "session-a",
        } | row
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        place.run(f"INSERT INTO execution ({names}) VALUES ({marks})", [tuple(values.values())])


def add_flows(place: Place, names: dict[str, str]) -> None:
    """Insert flows with the given names by their ids."""
    place.run(
        'INSERT INTO chat_flow ("id", "name", "flowData") VALUES (?, ?, ?)',
        [(flow, name, "{}") for flow, name in names.items()],
    )
