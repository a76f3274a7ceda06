"""The metrics that Prometheus scrapes."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.programs import program
from tests.gateway import Gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.wire import places_taken


def _values(gateway: Gateway) -> dict[tuple[str, str], float]:
    """Each value by its name and labels."""
    return _values_of(gateway.http.get("/metrics").text)


def _values_of(text: str) -> dict[tuple[str, str], float]:
    return {
        (
            sample.name,
            ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items())),
        ): (sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_are_prometheus_text(gateway: Gateway) -> None:
    answer = gateway.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# HELP gateway_request_seconds" in answer.text


def test_requests_are_counted_by_edge_method_and_status(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    gateway.graphql("{ __typename }")
    gateway.graphql("{ __typename }")
    gateway.http.get("/executions/guid-07")
    gateway.http.get("/executions/nobody")
    gateway.http.put("/executions/guid-07", json={"state": "ERROR"})
    gateway.http.get("/healthz")
    values = _values(gateway)
    name = "gateway_requests_total"
    assert values[name, "edge=graphql,method=POST,status=200"] == 2
    assert values[name, "edge=rest,method=GET,status=200"] == 1
    assert values[name, "edge=rest,method=GET,status=404"] == 1
    assert values[name, "edge=rest,method=PUT,status=200"] == 1
    assert values[name, "edge=other,method=GET,status=200"] == 1


def test_requests_are_timed_by_edge(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.graphql("{ __typename }")
    values = _values(gateway)
    assert values["gateway_request_seconds_count", "edge=graphql,operation=other"] == 3
    assert values["gateway_request_seconds_bucket", "edge=graphql,le=+Inf,operation=other"] == 3
    assert values["gateway_request_seconds_sum", "edge=graphql,operation=other"] > 0


def test_the_request_for_the_metrics_itself_is_under_way(gateway: Gateway) -> None:
    assert _values(gateway)["gateway_requests_under_way", ""] == 1


def test_refused_requests_are_counted(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_concurrent_requests=1, busy_timeout=60.0)
    gateway.insert(SAMPLE)
    with places_taken(gateway, 1):
        assert gateway.http.get("/executions/guid-07").status_code == 503
    values = _values(gateway)
    assert values["gateway_requests_refused_total", ""] == 1
    assert values["gateway_limit_refusals_total", "limit=max_concurrent_requests"] == 1


def test_nothing_that_clients_send_makes_new_labels(gateway: Gateway) -> None:
    for number, method in enumerate(["PROPFIND", "LINK", "SEARCH"]):
        gateway.http.request(method, f"/graphql?{number}")
        gateway.http.get(f"/executions/{number}")
        gateway.http.get(f"/nothing/{number}")
    counted = [labels for name, labels in _values(gateway) if name == "gateway_requests_total"]
    assert sorted(counted) == [
        "edge=graphql,method=other,status=405",
        "edge=other,method=GET,status=404",
        "edge=rest,method=GET,status=404",
    ]


def test_operations_of_the_trusted_documents_are_timed_by_their_names(
    gateway_with: Callable[..., Gateway], tmp_path: Path
) -> None:
    manifest = tmp_path / "operations.json"
    manifest.write_text(json.dumps({"1": "query Newest { __typename }", "2": "{ __typename }"}))
    gateway = gateway_with(trusted_documents=manifest)
    gateway.graphql("query Newest { __typename }")
    gateway.graphql("{ __typename }")
    gateway.post("query Mine { __typename }")
    counts = {
        labels: value
        for (name, labels), value in _values(gateway).items()
        if name == "gateway_request_seconds_count"
    }
    assert counts["edge=graphql,operation=Newest"] == 1
    assert counts["edge=graphql,operation=other"] == 2


def test_a_name_that_a_client_gives_its_own_operation_is_no_label(gateway: Gateway) -> None:
    gateway.graphql("query Mine { __typename }")
    assert "Mine" not in gateway.http.get("/metrics").text


PASSED = [
    ("max_depth", {"max_depth": 1}, "{ executions { totalCount } }"),
    ("max_cost", {"max_cost": 1}, "{ executions { nodes { guid } } }"),
    ("max_ids", {"max_ids": 1}, 'mutation { deleteExecutions(guids: ["a", "b"]) { affected } }'),
    ("max_page_size", {"max_page_size": 5}, "{ executions(first: 6) { totalCount } }"),
]


@pytest.mark.parametrize(("limit", "settings", "query"), PASSED, ids=[each[0] for each in PASSED])
def test_what_passes_a_limit_is_counted_by_its_setting(
    limit: str, settings: dict[str, int], query: str, gateway_with: Callable[..., Gateway]
) -> None:
    gateway = gateway_with(**settings)
    gateway.refused(query)
    assert _values(gateway)["gateway_limit_refusals_total", f"limit={limit}"] == 1


def test_what_passes_a_limit_over_rest_is_counted_too(gateway: Gateway) -> None:
    gateway.http.get("/executions?limit=1001")
    gateway.http.get("/executions?limit=x")
    assert _values(gateway)["gateway_limit_refusals_total", "limit=max_page_size"] == 1


def test_documents_that_were_found_prepared_are_counted(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.graphql("{ __typename }")
    values = _values(gateway)
    assert values["gateway_plan_cache_total", "result=miss"] == 1
    assert values["gateway_plan_cache_total", "result=hit"] >= 2


def test_connections_to_the_database_are_told(gateway: Gateway) -> None:
    gateway.http.get("/executions/nobody")
    values = _values(gateway)
    name = "gateway_database_connections"
    idle, in_use = (values[name, f"server=primary,state={state}"] for state in ("idle", "in_use"))
    assert idle + in_use >= 1
    assert values["gateway_database_waiting", "server=primary"] == 0


@pytest.mark.sqlite
def test_several_processes_tell_their_metrics_together(place: Place) -> None:
    total = 30
    with (
        program(place, "--workers", "2") as running,
        httpx.Client(base_url=running.url, timeout=60) as client,
    ):
        for _ in range(total):
            # Each on a connection of its own, so that both processes get some.
            client.get("/executions/nobody", headers={"connection": "close"})
        values = _values_of(client.get("/metrics").text)
    assert values["gateway_requests_total", "edge=rest,method=GET,status=404"] == total
