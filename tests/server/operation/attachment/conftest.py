"""A database of Flowise's, and gateways that look at it often."""

import pytest

from server.operation import attachment_watch
from tests.flowise_tables import add_executions, add_flows
from tests.places import Place
from tests.server.operation.attachment.gateways import FLOW


@pytest.fixture
def flowise(flowise: Place) -> Place:
    """A database of Flowise's with three executions."""
    add_flows(flowise, {FLOW: "Support"})
    add_executions(flowise, ({"id": f"run-{number}", "agentflowId": FLOW} for number in range(3)))
    return flowise


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("NATIVE_PAUSE", "ATTACHED_PAUSE", "CHECK_SECONDS", "SETTLE_SECONDS"):
        monkeypatch.setattr(attachment_watch, pause, 0.02)
    monkeypatch.setattr(attachment_watch.AttachmentWatch, "longest_failure_pause", 0.02)
