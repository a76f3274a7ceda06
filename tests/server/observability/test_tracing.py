"""Traces, as a collector of OpenTelemetry receives them."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.operation import attachment_watch
from server.operation.attachment_watch import AttachmentWatch
from server.operation.settings import Settings
from tests.faults.programs import wait_until
from tests.gateway import Gateway, insert, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.event_source import subscribed

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
Trace = Callable[[Callable[[Gateway], object]], list[Any]]


class _Collector(ThreadingHTTPServer):
    """Keeps the spans that it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[Any] = []


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        sent = ExportTraceServiceRequest.FromString(body)
        assert isinstance(self.server, _Collector)
        self.server.spans += [
            span
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def trace(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trace]:
    """Runs something against a gateway and returns the spans of it."""
    insert(place, SAMPLE)
    with _Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{collector.server_address[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)

        def run(work: Callable[[Gateway], object]) -> list[Any]:
            with running_gateway(place, traces=True) as gateway:
                work(gateway)
            return collector.spans

        yield run
        collector.shutdown()
        thread.join()


def _attributes(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_is_a_span_and_what_it_reads_is_one_within(trace: Trace) -> None:
    spans = trace(lambda gateway: gateway.http.get("/executions/guid-18"))
    [request] = [span for span in spans if span.name == "GET /executions/{guid}"]
    # What works in the background reads in traces of its own.
    within = [span for span in spans if span.trace_id == request.trace_id]
    [read] = [span for span in within if span.name == "SELECT"]
    assert read.parent_span_id == request.span_id
    assert _attributes(request) == {
        "http.request.method": "GET",
        "http.route": "/executions/{guid}",
        "http.response.status_code": 200,
    }
    assert _attributes(read)["db.response.returned_rows"] == 1
    assert _attributes(read)["db.query.text"].startswith("SELECT ")


def test_a_change_is_a_span_with_its_statements(trace: Trace) -> None:
    spans = trace(lambda gateway: gateway.http.delete("/executions/guid-18"))
    [change] = [span for span in spans if span.name == "CHANGE"]
    assert "DELETE FROM executions" in _attributes(change)["db.query.text"]


def test_a_request_belongs_to_the_trace_that_its_caller_began(trace: Trace) -> None:
    header = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    spans = trace(lambda gateway: gateway.http.get("/healthz", headers=header))
    [request] = [span for span in spans if span.name == "GET other"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)


def test_nothing_that_a_client_sent_is_in_a_trace(trace: Trace) -> None:
    def work(gateway: Gateway) -> None:
        gateway.http.get("/executions/a-secret?state=a-secret")
        gateway.http.get("/executions?agentflowName=a-secret")
        gateway.http.get("/a-secret")
        gateway.post('query ASecret { execution(guid: "a-secret") { guid } }')
        gateway.post('mutation { deleteExecutions(guids: ["a-secret"]) { affected } }')

    spans = trace(work)
    assert len(spans) > 5
    text = "".join(map(str, spans))
    assert "a-secret" not in text
    assert "ASecret" not in text


def test_a_failure_is_told_without_its_text(trace: Trace, place: Place) -> None:
    def work(gateway: Gateway) -> None:
        place.refuse("DELETE")
        gateway.http.delete("/executions/guid-18")

    spans = trace(work)
    [change] = [span for span in spans if span.name == "CHANGE"]
    assert change.status.code == 2
    assert "error.type" in _attributes(change)
    assert "a secret" not in str(spans)


def test_the_answers_are_the_same_with_traces(trace: Trace) -> None:
    seen: list[Any] = []
    trace(lambda gateway: seen.append(gateway.http.get("/executions?limit=5").json()))
    assert [execution["id"] for execution in seen[0]] == [24, 23, 22, 21, 20]


def test_a_stream_of_events_is_a_span_until_it_is_open(trace: Trace) -> None:
    def work(gateway: Gateway) -> None:
        with subscribed(gateway) as source:
            source.next_position()
            gateway.sql("UPDATE executions SET session_id = 'changed' WHERE id = 1")
            assert source.next().event["type"] == "UPDATED"

    [request] = [span for span in trace(work) if span.name == "POST /graphql"]
    assert _attributes(request)["http.response.status_code"] == 200


def test_without_its_packages_the_setting_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ValueError, match=r"executions-gateway\[otel\]"):
        Settings(_env_file=None, traces=True)


def test_looking_whether_the_database_is_attached_is_no_span(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = 0
    learn = AttachmentWatch.learn

    async def counted(watch: AttachmentWatch) -> None:
        nonlocal rounds
        await learn(watch)
        rounds += 1

    monkeypatch.setattr(attachment_watch, "NATIVE_PAUSE", 0.01)
    monkeypatch.setattr(AttachmentWatch, "learn", counted)
    spans = trace(lambda _: wait_until(lambda: rounds >= 50))
    assert len([span for span in spans if not span.parent_span_id]) < 50
