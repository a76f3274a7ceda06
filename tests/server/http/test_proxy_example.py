"""The README's example for nginx, as far as it can be tested without nginx."""

import re
from pathlib import Path

from server.graphql.endpoint import EVENTS
from server.graphql.response import RESPONSE_JSON
from server.http.error_responses import JSON

README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
[BLOCK] = re.findall(r"```nginx\n(.*?)```", README, re.DOTALL)


def test_what_machines_are_answered_is_compressed_and_events_are_not() -> None:
    [types] = re.findall(r"gzip_types (.*?);", BLOCK)
    assert {JSON, RESPONSE_JSON, "application/x-ndjson", "text/csv"} == set(types.split())
    assert EVENTS not in types
    assert "gzip on;" in BLOCK
    assert "gzip_vary on;" in BLOCK
