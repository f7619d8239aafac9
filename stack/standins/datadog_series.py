"""What Datadog makes of OTLP metrics: names, types and tags, by the rules of its translator."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric

Type = Literal["count", "rate", "gauge", "distribution"]

# OpenTelemetry's attributes that unified service tagging and the host come from.
UNIFIED: Mapping[str, str] = {
    "service.name": "service",
    "service.version": "version",
    "deployment.environment": "env",
    "deployment.environment.name": "env",
}
_HOST = ("datadog.host.name", "host.name", "host.id")


class NotUnderstood(ValueError):
    """A configuration or a metric that the intake refuses."""


@dataclass(frozen=True)
class Series:
    """Points of one metric with one set of tags, as Datadog stores it."""

    name: str
    type: Type
    tags: frozenset[str]
    points: tuple[tuple[int, float], ...]
    """Seconds since the epoch, and the value; of a distribution, how many observations."""
    way: str
    """The protocol it came by."""
    host: str = ""
    interval: int = 0

    @property
    def total(self) -> float:
        return sum(value for _, value in self.points)

    def tag(self, key: str) -> str | None:
        """The value of a tag."""
        prefix = f"{key}:"
        return next((tag[len(prefix) :] for tag in self.tags if tag.startswith(prefix)), None)


@dataclass(frozen=True)
class Translation:
    """How metrics are to be translated: of the intake, a header of each request."""

    resource_attributes_as_tags: bool = False
    instrumentation_scope_metadata_as_tags: bool = False
    histograms: str = "distributions"
    aggregations: bool = False

    @classmethod
    def of_header(cls, text: str | None) -> Translation:
        """Reads ``dd-otel-metric-config``; raises `NotUnderstood` for what it can't hold."""
        if text is None:
            return cls()
        try:
            given = json.loads(text)
        except ValueError as error:
            raise NotUnderstood(f"dd-otel-metric-config is not JSON: {error}") from error
        if not isinstance(given, dict):
            raise NotUnderstood("dd-otel-metric-config is not an object")
        histograms = _known(given.pop("histograms", {}), "mode", "send_aggregation_metrics")
        _known(given.pop("summaries", {}), "mode")
        flags = _known(
            given, "resource_attributes_as_tags", "instrumentation_scope_metadata_as_tags"
        )
        mode = histograms.get("mode", "distributions")
        if mode not in ("distributions", "counters", "nobuckets"):
            raise NotUnderstood(f"dd-otel-metric-config: histograms.mode {mode!r}")
        switches = [*flags.values(), histograms.get("send_aggregation_metrics", False)]
        if not all(isinstance(each, bool) for each in switches):
            raise NotUnderstood("dd-otel-metric-config: a switch is neither true nor false")
        return cls(**flags, histograms=mode, aggregations=switches[-1])


def _known(given: Any, *names: str) -> dict[str, Any]:
    if not isinstance(given, dict) or set(given) - set(names):
        raise NotUnderstood(f"dd-otel-metric-config: {given!r}, known are {', '.join(names)}")
    return given


def translated(
    request: ExportMetricsServiceRequest, how: Translation, way: str
) -> Iterator[Series]:
    for group in request.resource_metrics:
        resource = {pair.key: _text(pair) for pair in group.resource.attributes}
        tags = {f"{UNIFIED[key]}:{text}" for key, text in resource.items() if key in UNIFIED}
        if how.resource_attributes_as_tags:
            tags |= {tag(key, text) for key, text in resource.items()}
        host = next((resource[key] for key in _HOST if key in resource), "")
        for scope in group.scope_metrics:
            scoped = tags | (
                _scope_tags(scope.scope) if how.instrumentation_scope_metadata_as_tags else set()
            )
            for metric in scope.metrics:
                for name, kind, more, at, value in _points(metric, how):
                    point = (at // 10**9, value)
                    yield Series(name, kind, frozenset(scoped | more), (point,), way, host)


_Point = tuple[str, Type, set[str], int, float]


def _points(metric: Metric, how: Translation) -> Iterator[_Point]:
    kind = metric.WhichOneof("data")
    if kind in ("gauge", "sum"):
        data: Any = getattr(metric, kind)
        type_: Type = "count" if kind == "sum" and data.is_monotonic else "gauge"
        for point in data.data_points:
            value = float(getattr(point, point.WhichOneof("value") or "as_double"))
            if math.isfinite(value):
                yield metric.name, type_, _tags(point.attributes), point.time_unix_nano, value
    elif kind == "histogram":
        for histogram in metric.histogram.data_points:
            yield from _histogram(metric.name, histogram, how)
    elif kind == "exponential_histogram":
        for point in metric.exponential_histogram.data_points:
            tags, at = _tags(point.attributes), point.time_unix_nano
            yield metric.name, "distribution", tags, at, float(point.count)
            if how.aggregations:
                yield f"{metric.name}.count", "count", tags, at, float(point.count)
                yield f"{metric.name}.sum", "count", tags, at, point.sum


def _histogram(name: str, point: HistogramDataPoint, how: Translation) -> Iterator[_Point]:
    tags, at = _tags(point.attributes), point.time_unix_nano
    if how.aggregations:
        yield f"{name}.count", "count", tags, at, float(point.count)
        yield f"{name}.sum", "count", tags, at, point.sum
        if point.HasField("min"):
            yield f"{name}.min", "gauge", tags, at, point.min
        if point.HasField("max"):
            yield f"{name}.max", "gauge", tags, at, point.max
    if how.histograms == "distributions":
        yield name, "distribution", tags, at, float(point.count)
    elif how.histograms == "counters":
        bounds = [-math.inf, *point.explicit_bounds, math.inf]
        for lower, upper, count in zip(bounds, bounds[1:], point.bucket_counts, strict=False):
            limits = {f"lower_bound:{bound(lower)}", f"upper_bound:{bound(upper)}"}
            yield f"{name}.bucket", "count", tags | limits, at, float(count)


def bound(value: float) -> str:
    """A bucket's bound as the Agent's OpenMetrics check writes it."""
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value) if value else "0"


def tag(key: str, text: str) -> str:
    return f"{key}:{text or 'n/a'}"


def _tags(attributes: Iterable[KeyValue]) -> set[str]:
    return {tag(pair.key, _text(pair)) for pair in attributes}


def _scope_tags(scope: InstrumentationScope) -> set[str]:
    return {
        tag("instrumentation_scope", scope.name),
        tag("instrumentation_scope_version", scope.version),
    }


def _text(pair: KeyValue) -> str:
    kind = pair.value.WhichOneof("value")
    if kind is None:
        return ""
    value = getattr(pair.value, kind)
    return str(value).lower() if kind == "bool_value" else str(value)
