"""Spans, metric points and log records of an OTLP request as flat dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class SpanEvent:
    name: str
    at: float
    attributes: Attributes


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str  # SERVER, CLIENT, INTERNAL, PRODUCER, CONSUMER
    scope: str
    start: float  # seconds since the epoch
    end: float
    status: str  # UNSET, OK, ERROR
    status_message: str
    attributes: Attributes
    events: tuple[SpanEvent, ...]
    resource: Attributes
    received: float = 0.0

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Point:
    attributes: Attributes
    value: float  # of a histogram: its sum
    count: int | None = None  # of a histogram
    at: int = 0  # nanoseconds since the epoch


@dataclass(frozen=True)
class Metric:
    name: str
    kind: str  # sum, gauge, histogram, exponential_histogram, summary
    temporality: str  # delta, cumulative, or empty where there is none
    monotonic: bool
    unit: str
    scope: str
    points: tuple[Point, ...]
    resource: Attributes
    received: float = 0.0


@dataclass(frozen=True)
class Log:
    event: str
    body: Any
    severity: str
    scope: str
    trace_id: str
    span_id: str
    attributes: Attributes
    resource: Attributes
    at: float = 0.0
    received: float = field(default=0.0)


def read_spans(request: ExportTraceServiceRequest, *, received: float) -> Iterator[Span]:
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    name=span.name,
                    kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    scope=scope.scope.name,
                    start=span.start_time_unix_nano / 1e9,
                    end=span.end_time_unix_nano / 1e9,
                    status=trace_pb2.Status.StatusCode.Name(span.status.code).removeprefix(
                        "STATUS_CODE_"
                    ),
                    status_message=span.status.message,
                    attributes=_attributes(span.attributes),
                    events=tuple(
                        SpanEvent(e.name, e.time_unix_nano / 1e9, _attributes(e.attributes))
                        for e in span.events
                    ),
                    resource=resource,
                    received=received,
                )


def read_metrics(request: ExportMetricsServiceRequest, *, received: float) -> Iterator[Metric]:
    for group in request.resource_metrics:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data") or ""
                data = getattr(metric, kind) if kind else None
                yield Metric(
                    name=metric.name,
                    kind=kind,
                    temporality=_temporality(data),
                    monotonic=bool(getattr(data, "is_monotonic", False)),
                    unit=metric.unit,
                    scope=scope.scope.name,
                    points=tuple(_point(point) for point in data.data_points) if data else (),
                    resource=resource,
                    received=received,
                )


def read_logs(request: ExportLogsServiceRequest, *, received: float) -> Iterator[Log]:
    for group in request.resource_logs:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_logs:
            for record in scope.log_records:
                attributes = _attributes(record.attributes)
                yield Log(
                    event=record.event_name or str(attributes.get("event.name", "")),
                    body=_value(record.body),
                    severity=record.severity_text,
                    scope=scope.scope.name,
                    trace_id=record.trace_id.hex(),
                    span_id=record.span_id.hex(),
                    attributes=attributes,
                    resource=resource,
                    at=(record.time_unix_nano or record.observed_time_unix_nano) / 1e9,
                    received=received,
                )


def _temporality(data: Any) -> str:
    value = getattr(data, "aggregation_temporality", None)
    if value is None:
        return ""
    name = metrics_pb2.AggregationTemporality.Name(value)
    return name.removeprefix("AGGREGATION_TEMPORALITY_").lower()


def _point(point: Any) -> Point:
    attributes = _attributes(point.attributes)
    if isinstance(point, metrics_pb2.NumberDataPoint):
        kind = point.WhichOneof("value")
        value = float(getattr(point, kind)) if kind else 0.0
        return Point(attributes, value, at=point.time_unix_nano)
    return Point(attributes, float(point.sum), int(point.count), point.time_unix_nano)


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind)
