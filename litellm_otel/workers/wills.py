"""What a dead worker's ledger says, as it would have sent it: of the same resource, in the same series."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from litellm_otel.emit import storage
from litellm_otel.emit.distributions import BUCKETS, MAX, MIN, SUM
from litellm_otel.workers import ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from litellm_otel import catalogue
    from litellm_otel.workers.ledger import Series

    Key = tuple[str, frozenset[tuple[str, Any]]]
    Point = NumberDataPoint | HistogramDataPoint

RESOURCE, SCHEMA, SCOPE = "resource", "schema", "scope"


def about(resource: Resource, scope: tuple[str, str]) -> dict[str, Any] | None:
    """What a worker has to note of itself for `read`; None where it can't be written down."""
    noted = {
        RESOURCE: dict(resource.attributes),
        SCHEMA: resource.schema_url,
        SCOPE: scope,
    }
    try:
        json.dumps(noted)
    except (TypeError, ValueError):
        return None
    return noted


def read(data: bytes, now: int) -> MetricsData | None:
    """What the ledger's worker would send if it still could; None where it has counted nothing."""
    content = ledger.read(data)
    metrics = list(_metrics(content.series, now))
    if not metrics or RESOURCE not in content.about:
        return None
    resource = Resource(content.about[RESOURCE], content.about[SCHEMA])
    name, version = content.about[SCOPE]
    scope = ScopeMetrics(InstrumentationScope(name, version), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], resource.schema_url)])


def _metrics(series: list[Series], now: int) -> Iterator[Metric]:
    metrics: dict[str, catalogue.Metric] = {}
    points: dict[str, dict[Key, Point]] = {}
    for each in series:
        point = _point(each, now)
        if point is not None:
            name = each.metric.name
            metrics[name] = each.metric
            # A series that has expired and come again is there twice; the later one goes on.
            points.setdefault(name, {})[_key(name, each.attributes)] = point
    for name, metric in metrics.items():
        found: list[Any] = list(points[name].values())
        data = (
            Histogram(found, _CUMULATIVE)
            if metric.kind == "histogram"
            else Sum(found, _CUMULATIVE, is_monotonic=True)
        )
        yield Metric(metric.name, metric.description, metric.unit, data)


_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE


def _key(name: str, attributes: Mapping[str, Any] | None) -> Key:
    return name, frozenset((attributes or {}).items())


def _point(series: Series, now: int) -> Point | None:
    cells, since = series.cells, storage.since(series.cells)
    if series.metric.kind != "histogram":
        value = cells[series.index]
        return NumberDataPoint(series.attributes, since, now, value) if value else None
    bounds, counts = series.metric.buckets, tuple(map(int, cells[BUCKETS:-1]))
    # Unless it died amid the first recording, or is of another version.
    if cells[MIN] > cells[MAX] or not any(counts) or len(counts) != len(bounds) + 1:
        return None
    return HistogramDataPoint(
        series.attributes,
        since,
        now,
        sum(counts),
        cells[SUM],
        counts,
        bounds,
        cells[MIN],
        cells[MAX],
    )


def all_in(will: MetricsData, sent: MetricsData) -> bool:
    """Whether everything that the one says is said by the other."""
    known = dict(_said(sent))
    return all(known.get(key) == value for key, value in _said(will))


def _said(data: MetricsData) -> Iterator[tuple[Any, Any]]:
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    if isinstance(point, NumberDataPoint):
                        value: Any = point.value
                    elif isinstance(point, HistogramDataPoint):
                        value = tuple(point.bucket_counts), point.sum
                    else:
                        continue
                    key = _key(metric.name, point.attributes), point.start_time_unix_nano
                    yield key, value
