"""A database of Flowise's with a few executions."""

import pytest

from tests.flowise_tables import add_executions, add_flows
from tests.places import Place
from tests.server.cli.flowise.commands import FLOW, GONE


@pytest.fixture
def flowise(flowise: Place) -> Place:
    """A database of Flowise's with five executions, which no gateway knows."""
    add_flows(flowise, {FLOW: "Support"})
    states = ("FINISHED", "ERROR", "INPROGRESS", "STOPPED", "FINISHED")
    add_executions(
        flowise,
        (
            {"id": f"run-{number}", "state": state, "agentflowId": FLOW if number else GONE}
            for number, state in enumerate(states)
        ),
    )
    return flowise
