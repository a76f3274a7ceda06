"""A change of the schema that breaks clients is in the changelog, by its coordinate.

``tests/clients/released.graphql`` is the schema of the last release: ``make released-schema``
replaces it when one is made.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, print_ast, visit
from graphql.language import Visitor

from tests.clients.installed import FOLDER, needs_node_clients, run

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "schema" / "schema.graphql"
RELEASED = FOLDER / "released.graphql"

_COORDINATE = re.compile(r"`([A-Za-z_][\w.]*)`")


def _breaking(before: Path, after: Path) -> dict[str, str]:
    """The breaking changes from one schema to another: messages by coordinate."""
    program = FOLDER / "graphql" / "compare_schemas.mjs"
    changes = json.loads(run("node", program, before, after))
    return {change["path"]: change["message"] for change in changes}


def _named_in(changelog: str) -> set[str]:
    """The coordinates that the changelog names for the next release."""
    unreleased = changelog.split("\n## [Unreleased]\n")[1].split("\n## [", 1)[0]
    return set(_COORDINATE.findall(unreleased))


def _unannounced(changes: Mapping[str, str], changelog: str) -> dict[str, str]:
    named = _named_in(changelog)
    return {path: message for path, message in changes.items() if path not in named}


class _NoDescriptions(Visitor):
    def enter(self, node: Any, *_: object) -> Any:
        return replace(node, description=None) if hasattr(node, "description") else None


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema without descriptions, a field a line, to be edited."""
    document = parse(WRITTEN.read_text("utf-8"))
    document = visit(document, _NoDescriptions())
    file = tmp_path_factory.mktemp("schema") / "plain.graphql"
    file.write_text(print_ast(document))
    return file


def _without(line: str) -> Callable[[str], str]:
    return lambda sdl: sdl.replace(f"  {line}\n", "", 1)


def _with(before: str, after: str) -> Callable[[str], str]:
    return lambda sdl: sdl.replace(before, after, 1)


BREAKING = [
    ("Execution.databaseId", _without("databaseId: BigInt!")),
    ("Execution.guid", _with("BigInt!\n  guid: ID!\n", "BigInt!\n  guid: ID\n")),
    ("ExecutionState.STOPPED", _without("STOPPED")),
    ("IDFilter.notIn", _without("notIn: [ID!]")),
    (
        "ExecutionFilter.session",
        _with("input ExecutionFilter {", "input ExecutionFilter {\n  session: ID!"),
    ),
    ("Query.execution.guid", _with("execution(guid: ID!)", "execution")),
    ("Query.executionPage.limit", _with("limit: Int! = 50", "limit: Int!")),
    ("Query.executionPage.page", _with("page: Int! = 1", "page: Int! = 2")),
    (
        "StringFilter.caseSensitive",
        _with("caseSensitive: Boolean = false", "caseSensitive: Boolean"),
    ),
    ("Mutation.deleteExecution", _with("  deleteExecution(", "  removeExecution(")),
    ("Execution", _with("type Execution implements Node", "type Execution")),
    ("UpdateExecutionResult", _with(" | ExecutionStateConflict\n", "\n")),
]
HARMLESS = [
    _with("type Execution implements Node {", "type Execution implements Node {\n  more: Int"),
    _with("input IDFilter {", "input IDFilter {\n  more: ID"),
    _with("  STOPPED\n", "  STOPPED\n  MORE\n"),
    _with("execution(guid: ID!)", "execution(guid: ID!, more: Int)"),
    _with("  databaseId: BigInt!\n", "  databaseId: BigInt! @deprecated\n"),
]


@needs_node_clients
def test_no_change_since_the_release_breaks_clients_unless_the_changelog_names_it() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert _unannounced(_breaking(RELEASED, WRITTEN), changelog) == {}, (
        "clients break: undo the change, or name its coordinate in the changelog (`Type.field`)"
    )


@needs_node_clients
@pytest.mark.parametrize(("coordinate", "edit"), BREAKING, ids=[path for path, _ in BREAKING])
def test_a_change_that_breaks_clients_is_noticed_until_the_changelog_names_it(
    plain: Path, tmp_path: Path, coordinate: str, edit: Callable[[str], str]
) -> None:
    changed = tmp_path / "changed.graphql"
    changed.write_text(edit(plain.read_text()))
    build_schema(changed.read_text())
    changes = _breaking(plain, changed)
    said = "# Changelog\n\n## [Unreleased]\n\n- GraphQL: `{}` is another.\n\n## [0.1.0]\n\n- {}\n"
    assert set(_unannounced(changes, said.format("state", f"`{coordinate}`"))) == {coordinate}
    assert _unannounced(changes, said.format(coordinate, "")) == {}


@needs_node_clients
@pytest.mark.parametrize("edit", HARMLESS)
def test_what_is_added_or_deprecated_breaks_no_clients(
    plain: Path, tmp_path: Path, edit: Callable[[str], str]
) -> None:
    changed = tmp_path / "changed.graphql"
    changed.write_text(edit(plain.read_text()))
    assert changed.read_text() != plain.read_text()
    assert _breaking(plain, changed) == {}
