"""The Datadog stand-in takes what Datadog's Agent and exporter send, and nothing else."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgpack
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from stack.standins.datadog import Datadog
from stack.standins.datadog_payloads import AgentPayload, MetricPayload, SketchPayload

KEY = "0123456789abcdef0123456789abcdef"
PROTOBUF = "application/x-protobuf"
DELTA = 1
SERIES, SKETCHES = "/api/v2/series", "/api/beta/sketches"
TRACES, STATS = "/api/v0.2/traces", "/api/v0.2/stats"
LOGS, HOSTS, OTLP = "/api/v2/logs", "/intake/", "/api/v2/otlpmetrics"
CLIENT = httpx.Client(timeout=60)  # one, as each takes its time to read certificates


@pytest.fixture(scope="module")
def started() -> Iterator[Datadog]:
    with Datadog(api_key=KEY) as stand_in:
        yield stand_in


@pytest.fixture
def datadog(started: Datadog) -> Datadog:
    started.forget()
    started.failures.clear()
    return started


def post(
    datadog: Datadog, path: str, body: bytes, kind: str = PROTOBUF, **headers: str
) -> httpx.Response:
    given = {"DD-API-KEY": KEY, "Content-Type": kind, **headers}
    return CLIENT.post(datadog.url + path, content=body, headers=given)


def series(**changes: Any) -> Any:
    given = {"metric": "litellm.requests", "type": 1, "tags": ["env:test"], **changes}
    at = given.pop("at", int(time.time()))
    payload = MetricPayload()
    one = payload.series.add(**given)
    one.points.add(value=3, timestamp=at)
    one.resources.add(type="host", name="here")
    return payload


def sketch(**changes: Any) -> Any:
    payload = SketchPayload()
    one = payload.sketches.add(metric="latency", host="here", tags=["env:test"])
    given = {"ts": int(time.time()), "cnt": 3, "min": 1, "avg": 2, "max": 3, "sum": 6}
    one.dogsketches.add(**{**given, "k": [10, 20], "n": [1, 2], **changes})
    return payload


def trace(**changes: Any) -> Any:
    payload = AgentPayload(hostName="here", env="test")
    chunk = payload.tracerPayloads.add(appVersion="1").chunks.add(priority=1)
    given = {"service": "litellm", "name": "server.request", "resource": "POST /v1", "start": 1}
    chunk.spans.add(**{**given, "traceID": 7, "spanID": 8, "meta": {"a": "b"}, **changes})
    return payload


def statistics() -> dict[str, Any]:
    group = {
        "Service": "litellm",
        "Name": "server.request",
        "Resource": "POST",
        "Type": "web",
        "Hits": 5,
        "Errors": 1,
        "TopLevelHits": 5,
        "Duration": 9,
        "SpanKind": "server",
        "OkSummary": b"",
        "ErrorSummary": b"",
    }
    bucket = {"Start": 1, "Duration": 10, "Stats": [group]}
    return {"AgentEnv": "test", "Stats": [{"Env": "", "Version": "1", "Stats": [bucket]}]}


def test_series(datadog: Datadog) -> None:
    assert post(datadog, SERIES, series().SerializeToString()).status_code == 202
    [one] = datadog.series
    assert (one.name, one.type, one.tags, one.host) == (
        "litellm.requests",
        "count",
        {"env:test"},
        "here",
    )
    assert one.total == 3
    assert one.tag("env") == "test"
    as_json = {
        "series": [
            {"metric": "load", "type": 3, "points": [{"timestamp": int(time.time()), "value": 1}]}
        ]
    }
    body = gzip.compress(json.dumps(as_json).encode())
    kind = "application/json"
    assert post(datadog, SERIES, body, kind, **{"Content-Encoding": "gzip"}).status_code == 202
    assert datadog.series[1].type == "gauge"


def test_sketches(datadog: Datadog) -> None:
    assert post(datadog, SKETCHES, sketch().SerializeToString()).is_success
    [one] = datadog.series
    assert (one.name, one.type, one.total) == ("latency", "distribution", 3)


def test_traces(datadog: Datadog) -> None:
    assert post(datadog, TRACES, trace().SerializeToString()).is_success
    [span] = datadog.apm_spans
    assert (span.service, span.resource, span.env, span.version) == (
        *("litellm", "POST /v1"),
        *("test", "1"),
    )
    assert span.meta == {"a": "b"}


def test_statistics(datadog: Datadog) -> None:
    body = msgpack.packb(statistics())
    assert post(datadog, STATS, body, "application/msgpack").is_success
    [group] = datadog.statistics
    assert (group.hits, group.errors, group.env, group.kind) == (5, 1, "test", "server")


def test_logs_and_hosts(datadog: Datadog) -> None:
    logs = [{"message": "line", "ddtags": "env:test"}, {}]
    assert post(datadog, LOGS, json.dumps(logs).encode(), "application/json").is_success
    assert datadog.agent_logs == logs[:1]
    host = {"internalHostname": "here", "meta": {"hostname": "here"}}
    assert post(datadog, HOSTS, json.dumps(host).encode(), "application/json").is_success
    assert datadog.state()["hosts"] == ["here"]
    datadog.forget()
    assert not datadog.agent_logs
    assert not datadog.hosts


def test_the_key_is_asked_for_everywhere(datadog: Datadog) -> None:
    valid = f"{datadog.url}/api/v1/validate"
    assert CLIENT.get(valid, headers={"DD-API-KEY": KEY}).json() == {"valid": True}
    assert CLIENT.get(f"{valid}?api_key={KEY}").is_success
    assert CLIENT.get(valid, headers={"DD-API-KEY": "0" * 32}).status_code == 403
    for path in (SERIES, SKETCHES, TRACES, STATS, LOGS, HOSTS, OTLP):
        assert CLIENT.post(datadog.url + path, content=b"").status_code == 403, path


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (SERIES, b"\xff\xff", PROTOBUF),
        (SERIES, series(metric="").SerializeToString(), PROTOBUF),
        (SERIES, series(metric="9 lives").SerializeToString(), PROTOBUF),
        (SERIES, series(type=0).SerializeToString(), PROTOBUF),
        (SERIES, series(type=2).SerializeToString(), PROTOBUF),
        (SERIES, series(tags=["x" * 201]).SerializeToString(), PROTOBUF),
        (SERIES, series(at=1).SerializeToString(), PROTOBUF),
        (SERIES, b'{"series": [{}]}', "application/json"),
        (SKETCHES, sketch(cnt=4).SerializeToString(), PROTOBUF),
        (SKETCHES, sketch(avg=9).SerializeToString(), PROTOBUF),
        (TRACES, trace(service="").SerializeToString(), PROTOBUF),
        (TRACES, trace(traceID=0).SerializeToString(), PROTOBUF),
        (TRACES, AgentPayload(idxTracerPayloads=[b"x"]).SerializeToString(), PROTOBUF),
        (STATS, b"\xc1", "application/msgpack"),
        (STATS, msgpack.packb({"Stats": [{}]}), "application/msgpack"),
        (LOGS, b"line", "application/json"),
        (LOGS, b"[7]", "application/json"),
        (LOGS, json.dumps([{"message": "x"}] * 1001).encode(), "application/json"),
        (HOSTS, b"{}", "application/json"),
    ],
)
def test_what_is_refused(datadog: Datadog, path: str, body: bytes, kind: str) -> None:
    assert post(datadog, path, body, kind).status_code == 400
    assert datadog.failures
    kept = (datadog.series, datadog.apm_spans, datadog.statistics, datadog.agent_logs)
    assert not any((*kept, datadog.hosts))


def test_what_is_too_large_or_of_another_kind(datadog: Datadog) -> None:
    large = gzip.compress(bytes(6 * 2**20))
    assert (
        post(datadog, LOGS, large, "application/json", **{"Content-Encoding": "gzip"}).status_code
        == 413
    )
    assert post(datadog, OTLP, large, **{"Content-Encoding": "gzip"}).status_code == 413
    assert post(datadog, OTLP, bytes(600_000)).status_code == 413
    assert post(datadog, STATS, b"{}", "application/json").status_code == 415


# What is made of OTLP metrics


def otlp() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    for key, value in (("service.name", "litellm"), ("team", "")):
        group.resource.attributes.append(KeyValue(key=key, value=AnyValue(string_value=value)))
    scope = group.scope_metrics.add()
    scope.scope.name = "litellm_otel"
    histogram = scope.metrics.add(name="latency").histogram
    histogram.aggregation_temporality = DELTA
    histogram.data_points.add(
        count=3, sum=4.5, explicit_bounds=[0.005, 1], bucket_counts=[0, 1, 2], max=3
    )
    counter = scope.metrics.add(name="requests").sum
    counter.is_monotonic, counter.aggregation_temporality = True, DELTA
    counter.data_points.add(as_int=2)
    scope.metrics.add(name="level").gauge.data_points.add(as_double=1)
    return request


def translated(datadog: Datadog, config: str | None) -> dict[str, str]:
    headers = {"dd-otel-metric-config": config} if config else {}
    assert post(datadog, OTLP, otlp().SerializeToString(), **headers).is_success
    return {each.name: each.type for each in datadog.series}


def test_histograms_are_distributions_unless_told_otherwise(datadog: Datadog) -> None:
    assert translated(datadog, None) == {
        "latency": "distribution",
        "requests": "count",
        "level": "gauge",
    }
    assert {each.tags for each in datadog.series} == {frozenset({"service:litellm"})}


def test_histograms_as_counts(datadog: Datadog) -> None:
    config = {
        "resource_attributes_as_tags": True,
        "instrumentation_scope_metadata_as_tags": True,
        "histograms": {"mode": "counters", "send_aggregation_metrics": True},
    }
    found = translated(datadog, json.dumps(config))
    assert found == {
        **dict.fromkeys(("latency.bucket", "latency.count", "latency.sum"), "count"),
        "latency.max": "gauge",
        "requests": "count",
        "level": "gauge",
    }
    buckets = {
        (each.tag("lower_bound"), each.tag("upper_bound"), each.total)
        for each in datadog.series
        if each.name == "latency.bucket"
    }
    assert buckets == {("-inf", "0.005", 0), ("0.005", "1.0", 1), ("1.0", "inf", 2)}
    assert datadog.series[0].tags >= {
        *("service:litellm", "service.name:litellm", "team:n/a"),
        *("instrumentation_scope:litellm_otel", "instrumentation_scope_version:n/a"),
    }


@pytest.mark.parametrize(
    "config",
    [
        "nonsense",
        "[]",
        '{"resource_attributes": true}',
        '{"histograms": {"mode": "buckets"}}',
        '{"resource_attributes_as_tags": "yes"}',
    ],
)
def test_a_configuration_that_is_none(datadog: Datadog, config: str) -> None:
    answer = post(datadog, OTLP, otlp().SerializeToString(), **{"dd-otel-metric-config": config})
    assert answer.status_code == 400
    assert not datadog.series
