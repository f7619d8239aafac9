"""Histograms kept in cells of our own, and handed to the SDK's collection as finished points.

A recording through the SDK's histogram costs some 13 µs; several for each request are most of what all
of our telemetry costs. A cell costs one. Where the SDK is not as expected, or views or delta temporality
are asked for, the SDK's histograms are used: `distributions_for` decides.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import wrapt
from opentelemetry import trace
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics import Histogram as SDKHistogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from litellm_otel.boundary import report
from litellm_otel.emit.cells import MAX_SERIES, OVERFLOW, labelled

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span

    from litellm_otel import catalogue

_logger = logging.getLogger("litellm_otel")
_CONSUMER: Final = "opentelemetry.sdk.metrics._internal.measurement_consumer"

Labels = tuple[str | int | None, ...]
Overflowed = Callable[[str], None]


class Distribution(Protocol):
    """A histogram. A label that is ``None`` is left out; ``span`` is for exemplars."""

    def record(self, labels: Labels, value: float, span: Span | None) -> None: ...


class SDKDistribution:
    """The SDK's own histogram."""

    def __init__(self, meter: Meter, metric: catalogue.Metric) -> None:
        self._names = metric.attributes
        self._histogram = meter.create_histogram(
            metric.name,
            metric.unit,
            metric.description,
            explicit_bucket_boundaries_advisory=metric.buckets,
        )

    def record(self, labels: Labels, value: float, span: Span | None) -> None:
        context = trace.set_span_in_context(span) if span is not None else None
        self._histogram.record(value, labelled(self._names, labels), context)


class _Cell:
    """One series."""

    __slots__ = ("attributes", "buckets", "count", "exemplars", "max", "min", "sum")

    def __init__(self, attributes: dict[str, Any], buckets: int) -> None:
        self.attributes = attributes
        self.buckets = [0] * buckets
        self.count = 0
        self.sum = 0.0
        self.min = float("inf")
        self.max = float("-inf")
        self.exemplars: dict[int, Exemplar] = {}


class CellDistribution:
    """A histogram in cells of our own; bounded like `Sums`."""

    def __init__(
        self, metric: catalogue.Metric, overflowed: Overflowed, *, exemplars: bool
    ) -> None:
        self._metric = metric
        self._overflowed = overflowed
        self._exemplars = exemplars
        # Re-entrant, as a garbage collection may run anybody's finalizer while it is held.
        self._lock = threading.RLock()
        self._cells: dict[Labels, _Cell] = {}
        self._overflow: _Cell | None = None
        self._start = time.time_ns()

    def record(self, labels: Labels, value: float, span: Span | None) -> None:
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._new_cell(labels)
        index = bisect_left(self._metric.buckets, value)
        exemplar = _exemplar(span, value) if span is not None and self._exemplars else None
        with self._lock:
            cell.buckets[index] += 1
            cell.count += 1
            cell.sum += value
            if value < cell.min:
                cell.min = value
            if value > cell.max:
                cell.max = value
            if exemplar is not None:
                cell.exemplars[index] = exemplar

    def _new_cell(self, labels: Labels) -> _Cell:
        size = len(self._metric.buckets) + 1
        with self._lock:
            cell = self._cells.get(labels)
            if cell is None and len(self._cells) < MAX_SERIES:
                cell = _Cell(labelled(self._metric.attributes, labels), size)
                self._cells[labels] = cell
            if cell is not None:
                return cell
            overflow = self._overflow
            if overflow is None:
                overflow = self._overflow = _Cell({OVERFLOW: True}, size)
        self._overflowed(self._metric.name)
        return overflow

    def collect(self, now: int) -> Metric | None:
        """The metric as it stands; ``None`` before the first recording."""
        with self._lock:
            cells = [*self._cells.values(), *([self._overflow] if self._overflow else [])]
            points = [self._point(cell, now) for cell in cells]
        if not points:
            return None
        return Metric(
            self._metric.name,
            self._metric.description,
            self._metric.unit,
            Histogram(points, AggregationTemporality.CUMULATIVE),
        )

    def _point(self, cell: _Cell, now: int) -> HistogramDataPoint:
        # An exemplar tells of the time since the last collection.
        exemplars, cell.exemplars = list(cell.exemplars.values()), {}
        return HistogramDataPoint(
            cell.attributes,
            self._start,
            now,
            cell.count,
            cell.sum,
            tuple(cell.buckets),
            self._metric.buckets,
            cell.min,
            cell.max,
            exemplars,
        )

    def after_fork(self) -> None:
        """The counts are the parent's."""
        self._lock = threading.RLock()
        self._cells.clear()
        self._overflow = None
        self._start = time.time_ns()


def _exemplar(span: Span, value: float) -> Exemplar | None:
    context = span.get_span_context()
    if not context.trace_flags.sampled:
        return None
    return Exemplar({}, value, time.time_ns(), context.span_id, context.trace_id)


class _Scope:
    """The distributions of one instrumentation scope of one provider."""

    def __init__(self, name: str, version: str, exemplars: bool) -> None:
        self._scope = InstrumentationScope(name, version)
        self._exemplars = exemplars
        self._distributions: list[CellDistribution] = []

    def make(self, metric: catalogue.Metric, overflowed: Overflowed) -> CellDistribution:
        made = CellDistribution(metric, overflowed, exemplars=self._exemplars)
        self._distributions.append(made)
        return made

    def add_to(self, data: MetricsData | None, resource: Any) -> MetricsData | None:
        now = time.time_ns()
        metrics = [
            metric for made in self._distributions if (metric := made.collect(now)) is not None
        ]
        if not metrics:
            return data
        ours = ScopeMetrics(self._scope, metrics, "")
        if data is None or not data.resource_metrics:
            return MetricsData([ResourceMetrics(resource, [ours], resource.schema_url)])
        first, *others = data.resource_metrics
        scopes = [
            ScopeMetrics(self._scope, [*scope.metrics, *metrics], scope.schema_url)
            if _same(scope.scope, self._scope)
            else scope
            for scope in first.scope_metrics
        ]
        if not any(_same(scope.scope, self._scope) for scope in first.scope_metrics):
            scopes.append(ours)
        return MetricsData([ResourceMetrics(first.resource, scopes, first.schema_url), *others])


def _same(one: InstrumentationScope, other: InstrumentationScope) -> bool:
    return (one.name, one.version) == (other.name, other.version)


_scopes: weakref.WeakKeyDictionary[Any, list[_Scope]] = weakref.WeakKeyDictionary()


def prepare() -> None:
    """Watch the SDK's collection. To be called before a meter provider is made."""

    def hook(module: Any) -> None:
        try:
            if not _is_watched(module.SynchronousMeasurementConsumer):
                wrapt.wrap_function_wrapper(
                    module, "SynchronousMeasurementConsumer.collect", _collecting
                )
        except (AttributeError, ImportError):
            _logger.debug("litellm-otel: this SDK collects otherwise; its histograms are used")

    wrapt.when_imported(_CONSUMER)(hook)


def _is_watched(consumer_class: Any) -> bool:
    return isinstance(vars(consumer_class)["collect"], wrapt.FunctionWrapper)


def _collecting(
    wrapped: Callable[..., Any], consumer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    data = wrapped(*args, **kwargs)
    try:
        for scope in _scopes.get(consumer, ()):
            data = scope.add_to(data, consumer._sdk_config.resource)
    except Exception:
        report("collecting histograms")
    return data


def distributions_for(
    meter: Meter, provider: Any, name: str, version: str
) -> Callable[[catalogue.Metric, Overflowed], Distribution]:
    """What makes distributions for this provider's meter: cells, or the SDK's where those won't do."""
    consumer = getattr(provider, "_measurement_consumer", None)
    if consumer is None or not _fit(consumer):
        return lambda metric, _: SDKDistribution(meter, metric)
    exemplars = os.environ.get("OTEL_METRICS_EXEMPLAR_FILTER", "").strip().lower() != "always_off"
    scope = _Scope(name, version, exemplars)
    _scopes.setdefault(consumer, []).append(scope)
    return scope.make


def _fit(consumer: Any) -> bool:
    try:
        cumulative = all(
            temporality == AggregationTemporality.CUMULATIVE
            for reader in consumer._reader_storages
            for instrument, temporality in reader._instrument_class_temporality.items()
            if issubclass(instrument, SDKHistogram)
        )
        return _is_watched(type(consumer)) and cumulative and not consumer._sdk_config.views
    except (AttributeError, KeyError, TypeError):
        return False
