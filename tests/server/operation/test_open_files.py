"""The limit of open files is raised for the connections that a gateway may hold."""

import logging
import resource

import pytest

from server.operation.open_files import allow_open_files
from tests.faults.programs import program
from tests.places import Place


def test_a_gateway_may_hold_as_many_connections_as_it_is_set_to(place: Place) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    limits = {
        "max_open_connections": "700",
        "max_connections": "50",
        "max_unacknowledged_connections": "30",
        "max_subscriptions": "20",
    }
    try:
        with program(place, **limits) as running:
            allowed, _ = resource.prlimit(running.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert allowed == 700 + 50 + 30 + 20 + 256


def test_a_limit_that_cannot_be_raised_so_far_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given.append(limits))
    with caplog.at_level(logging.WARNING, "gateway"):
        allow_open_files(150)
        assert caplog.messages == []
        allow_open_files(300)
    assert given == [(150, 200), (200, 200)]
    assert "may hold 200 files open (ulimit -n) and could need 300" in caplog.text
