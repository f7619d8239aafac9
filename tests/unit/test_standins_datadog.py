"""The Datadog stand-in takes what the OTLP intake takes, and reads it right."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import httpx
import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from stack.standins.datadog import Datadog

KEY = "0123456789abcdef0123456789abcdef"
HEADERS = {"dd-api-key": KEY, "Content-Type": "application/x-protobuf"}


@pytest.fixture
def datadog() -> Iterator[Datadog]:
    with Datadog(api_key=KEY) as stand_in:
        yield stand_in


def attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def traces() -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.append(attribute("service.name", "litellm"))
    scope = group.scope_spans.add()
    scope.scope.name = "litellm_otel"
    span = scope.spans.add(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        name="chat gpt-4o",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=1_000_000_000,
        end_time_unix_nano=3_500_000_000,
        status=Status(code=Status.STATUS_CODE_ERROR, message="no"),
        attributes=[attribute("error.type", "RateLimitError")],
    )
    span.events.add(name="cooldown", time_unix_nano=2_000_000_000)
    return request


def metrics(temporality: AggregationTemporality) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    counter = scope.metrics.add(name="litellm.requests", unit="{request}").sum
    counter.is_monotonic = True
    counter.aggregation_temporality = temporality
    for status, value in (("success", 3), ("error", 2)):
        counter.data_points.add(as_int=value, attributes=[attribute("status", status)])
    histogram = scope.metrics.add(name="litellm.request.latency", unit="s").histogram
    histogram.aggregation_temporality = temporality
    histogram.data_points.add(count=5, sum=1.5)
    scope.metrics.add(name="process.memory.usage").sum.data_points.add(as_int=7)
    scope.metrics.add(name="litellm_in_flight_requests").gauge.data_points.add(as_double=1)
    return request


DELTA = metrics(AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA)
CUMULATIVE = metrics(AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE)


def test_spans_are_read(datadog: Datadog) -> None:
    body = traces().SerializeToString()
    assert httpx.post(f"{datadog.url}/v1/traces", content=body, headers=HEADERS).is_success
    (span,) = datadog.spans
    assert span.trace_id == "000102030405060708090a0b0c0d0e0f"
    assert (span.kind, span.name, span.scope) == ("CLIENT", "chat gpt-4o", "litellm_otel")
    assert (span.status, span.status_message, span.duration) == ("ERROR", "no", 2.5)
    assert span.attributes == {"error.type": "RateLimitError"}
    assert span.resource == {"service.name": "litellm"}
    assert (span.events[0].name, span.events[0].at) == ("cooldown", 2.0)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_compressed_bodies_are_read(datadog: Datadog, encoding: str) -> None:
    body = traces().SerializeToString()
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    headers = {**HEADERS, "Content-Encoding": encoding}
    assert httpx.post(f"{datadog.url}/v1/traces", content=packed, headers=headers).is_success
    assert len(datadog.spans) == 1
    assert datadog.holding("chat gpt-4o")
    assert not datadog.holding("chat gpt-5o")


def test_delta_metrics_are_added_up(datadog: Datadog) -> None:
    address = f"{datadog.url}/api/v2/otlpmetrics"
    for _ in range(2):
        body = DELTA.SerializeToString()
        assert httpx.post(address, content=body, headers=HEADERS).status_code == 202
    assert datadog.total("litellm.requests") == 10
    assert datadog.total("litellm.requests", status="error") == 4
    assert datadog.total("litellm.request.latency") == 10


def test_cumulative_metrics_are_refused(datadog: Datadog) -> None:
    address = f"{datadog.url}/api/v2/otlpmetrics"
    answer = httpx.post(address, content=CUMULATIVE.SerializeToString(), headers=HEADERS)
    assert answer.status_code == 400
    reason = datadog.failures[0].reason
    assert "litellm.requests" in reason
    assert "litellm.request.latency" in reason
    assert "process.memory.usage" not in reason
    assert "litellm_in_flight_requests" not in reason
    assert not datadog.metrics


def test_log_records_are_read(datadog: Datadog) -> None:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    scope.log_records.add(
        event_name="litellm.request",
        body=AnyValue(string_value="done"),
        trace_id=bytes(range(16)),
        severity_text="INFO",
    )
    body = request.SerializeToString()
    assert httpx.post(f"{datadog.url}/v1/logs", content=body, headers=HEADERS).is_success
    (log,) = datadog.logs
    assert (log.event, log.body, log.severity) == ("litellm.request", "done", "INFO")
    assert log.trace_id == "000102030405060708090a0b0c0d0e0f"


@pytest.mark.parametrize("key", ["", "x" * 32, "0" * 32, KEY[:-1]])
def test_a_wrong_key_is_refused(datadog: Datadog, key: str) -> None:
    headers = {**HEADERS, "dd-api-key": key}
    answer = httpx.post(f"{datadog.url}/v1/traces", content=b"", headers=headers)
    assert answer.status_code == 403
    assert answer.json() == {"errors": ["Forbidden"]}
    assert datadog.failures


@pytest.mark.parametrize(
    ("changes", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, b"", 415),
        ({"Content-Encoding": "gzip"}, b"not gzip", 400),
        ({"Content-Encoding": "br"}, b"", 400),
        ({}, b"\xff\xff\xff", 400),
        ({}, bytes(6 * 2**20), 413),
    ],
)
def test_unreadable_bodies_are_refused(
    datadog: Datadog, changes: dict[str, str], body: bytes, status: int
) -> None:
    headers = {**HEADERS, **changes}
    answer = httpx.post(f"{datadog.url}/v1/traces", content=body, headers=headers)
    assert answer.status_code == status
