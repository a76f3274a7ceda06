"""GraphQL clients and generators of clients that people use, against the schema and a gateway."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.httpx import HTTPXTransport

from tests.clients.installed import (
    FOLDER,
    MODULES,
    PROGRAMS,
    PYTHON,
    STRICT_TYPESCRIPT,
    needs_node_clients,
    needs_python_clients,
    run,
)
from tests.gateway import Gateway
from tests.reference import ordered
from tests.sample import FLOWS, SAMPLE

SCHEMA = FOLDER.parents[1] / "schema" / "schema.graphql"
GUIDS = [row.guid for row in ordered(SAMPLE)]
AGENTFLOWS = {name for name in FLOWS.values() if name}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder as a frontend has it: the schema, operations, and the installed packages."""
    folder = tmp_path / "project"
    shutil.copytree(FOLDER / "graphql", folder)
    shutil.copy(FOLDER / "package.json", folder)
    shutil.copy(SCHEMA, folder)
    (folder / "node_modules").symlink_to(MODULES)
    return folder


@pytest.fixture
def filled(gateway: Gateway) -> Gateway:
    """A gateway with the sample."""
    gateway.insert(SAMPLE)
    return gateway


def _expect_all(got: dict[str, Any]) -> None:
    assert got["guids"] == GUIDS
    assert len(got["agentflows"]) == len(AGENTFLOWS)
    assert set(got["agentflows"]) == AGENTFLOWS


@needs_node_clients
def test_relay_accepts_node_refetchable_fragments_and_connections(project: Path) -> None:
    (project / "relay").mkdir()
    # Relay reads all files with its extension, and these are not in its language.
    for other in ("operations.graphql", "relay_directives.graphql"):
        (project / other).unlink()
    said = run(PROGRAMS / "relay-compiler", "relay.config.json", cwd=project)
    assert "compiled documents: 5 reader, 3 normalization, 5 operation text" in said
    assert "WARN" not in said
    refetch = (project / "relay" / "AgentflowListExecutionsPageQuery.graphql.ts").read_text()
    assert "node(id: $id)" in refetch
    assert "hasNextPage" in refetch


@needs_node_clients
@pytest.mark.sqlite
def test_urql_and_apollo_client_page_and_merge_with_the_types_of_graphql_codegen(
    filled: Gateway, project: Path
) -> None:
    run(PROGRAMS / "graphql-codegen", "--config", "codegen.json", cwd=project)
    programs = ("use_urql", "use_apollo")
    sources = [f"{name}.ts" for name in programs]
    run(PROGRAMS / "tsc", *STRICT_TYPESCRIPT, *sources, "typed/index.ts", cwd=project)
    for name in programs:
        got = json.loads(run("node", f"{name}.js", f"{filled.url}/graphql", cwd=project))
        _expect_all(got)
        assert (got["requests"], got["total"], got["has more"]) == (5, len(SAMPLE), False)
        assert got["node"]["guid"] == GUIDS[0]
        assert got["stopped"] == "UpdateExecutionSuccess"
        assert got["stopped in the list"] == "STOPPED"
        filled.sql("UPDATE executions SET state = 'ERROR' WHERE guid = ?", GUIDS[0])


@needs_python_clients
def test_a_client_of_ariadne_codegen_has_types_and_reads_all_pages(
    filled: Gateway, project: Path
) -> None:
    shutil.copy(FOLDER / "use_graphql_client.py", project)
    run(PYTHON / "ariadne-codegen", "--config", "ariadne.toml", cwd=project)
    strict = ("--strict", "--config-file=", "--cache-dir", project / "cache")
    run(sys.executable, "-m", "mypy", *strict, "use_graphql_client.py", cwd=project)
    program = (PYTHON / "python", "use_graphql_client.py", f"{filled.url}/graphql")
    got = json.loads(run(*program, cwd=project))
    _expect_all(got)
    assert got["states"] == sorted({row.state for row in SAMPLE})
    assert (got["node"], got["stopped"]) == (GUIDS[0], "STOPPED")
    assert sum(got["counts"]) == len([row for row in SAMPLE if row.agentflow_name])
    assert got["months"] == ["2023-11-01T00:00:00+00:00"]


def test_gql_checks_operations_by_introspection_and_reads_all_pages(filled: Gateway) -> None:
    operations = gql((FOLDER / "graphql" / "operations.graphql").read_text("utf-8"))
    transport = HTTPXTransport(url=f"{filled.url}/graphql")
    guids: list[str] = []
    after: str | None = None
    with Client(transport=transport, fetch_schema_from_transport=True) as session:
        while True:
            operations.operation_name = "ExecutionPage"
            operations.variable_values = {"first": 7, "after": after}
            page = session.execute(operations)["executions"]
            guids += [edge["node"]["guid"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
    assert guids == GUIDS
