"""How ``explain`` explains an operation."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.main import cli
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE


class Explained:
    """Runs the command on a database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, document: str, *options: str) -> list[str]:
        arguments = ["explain", "-", "--database", f"sqlite:///{self.path}", *options]
        result = CliRunner().invoke(cli, arguments, input=document, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output.splitlines()


@pytest.fixture
def explained(path: Path, monkeypatch: pytest.MonkeyPatch) -> Explained:
    monkeypatch.chdir(path.parent)
    insert(path, SAMPLE)
    return Explained(path)


def test_a_query_is_explained_with_its_statements_and_their_steps(explained: Explained) -> None:
    lines = explained("{ executions(first: 3) { totalCount nodes { guid } } }")
    assert lines[:3] == [
        "cost: 6 of at most 20000",
        "scopes: read",
        "plan: 1 root field(s): executions",
    ]
    assert "  -> SCAN executions USING INDEX executions_by_created_on" in lines
    assert any("execution_counts" in line for line in lines)


def test_values_of_variables_are_not_in_what_is_printed(explained: Explained) -> None:
    document = "query ($g: ID!) { execution(guid: $g) { guid } }"
    lines = explained(document, "--variables", '{"g": "secret"}')
    assert any(line.startswith("  -> SEARCH executions") for line in lines)
    assert "secret" not in "".join(lines)


def test_an_operation_without_a_plan_says_why(explained: Explained) -> None:
    change = 'deleteExecution(guid: "nobody") { __typename }'
    lines = explained(f"mutation {{ a: {change} b: {change} }}")
    assert lines[-1] == "plan: none, graphql-core runs it: several changes, which are made in turn"


def test_introspection_is_explained_without_a_statement(explained: Explained) -> None:
    lines = explained("{ __schema { queryType { name } } }")
    assert lines[-1] == "plan: 1 root field(s): __schema"


def test_a_mutation_is_explained_and_not_run(explained: Explained) -> None:
    guid = SAMPLE[1].guid
    change = f'updateExecution(guid: "{guid}", input: {{state: TIMEOUT}}) {{ __typename }}'
    lines = explained(f"mutation {{ {change} }}")
    assert lines[-2:] == [
        "plan: 1 root field(s): updateExecution",
        "It changes something, so it is not run here",
    ]
    assert run_sql(explained.path, "SELECT state FROM executions WHERE guid = ?", guid) == [
        (SAMPLE[1].state,)
    ]


def test_a_subscription_is_explained_and_not_run(explained: Explained) -> None:
    assert explained("subscription { executionEvents { guid } }")[-2:] == [
        "plan: 1 root field(s): executionEvents",
        "It reads from the log of events as they come, so it is not run here",
    ]


def test_one_of_several_operations_is_chosen_by_its_name(explained: Explained) -> None:
    document = "query A { __typename } query B { executions { totalCount } }"
    assert explained(document, "--operation", "B")[2] == "plan: 1 root field(s): executions"
