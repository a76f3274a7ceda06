"""What Prometheus is told."""

import socket
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.gateway import Gateway
from tests.sample import SAMPLE


def _values(gateway: Gateway) -> dict[tuple[str, str], float]:
    """Each value by its name and labels."""
    text = gateway.http.get("/metrics").text
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
    assert values["gateway_request_seconds_count", "edge=graphql"] == 3
    assert values["gateway_request_seconds_bucket", "edge=graphql,le=+Inf"] == 3
    assert values["gateway_request_seconds_sum", "edge=graphql"] > 0


def test_the_request_for_the_metrics_itself_is_under_way(gateway: Gateway) -> None:
    assert _values(gateway)["gateway_requests_under_way", ""] == 1


def test_refused_requests_are_counted(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_concurrent_requests=1, receive_timeout=30.0)
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((gateway.http.base_url.host, gateway.http.base_url.port)) as one:
        one.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        refused = 0
        while not refused:
            refused = gateway.http.get("/executions/guid-07").status_code == 503
    assert _values(gateway)["gateway_requests_refused_total", ""] == 1


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
