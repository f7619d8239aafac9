"""Histograms kept in cells of our own, and handed to the SDK's collection as finished points.

A recording through the SDK's histogram costs some 13 µs; several for each request are most of what all
of our telemetry costs. A cell costs one. Where the SDK is not as expected, or views or delta temporality
are asked for, the SDK's histograms are used: `collection` decides.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import trace
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
)

from litellm_otel.emit import collection, storage
from litellm_otel.emit.bounded import Bounded
from litellm_otel.emit.cells import OVERFLOW, labelled

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span

    from litellm_otel import catalogue

Labels = tuple[str | int | None, ...]
Overflowed = Callable[[str], None]


class Distribution(Protocol):
    """A histogram. A label that is ``None`` is left out; ``span`` is for exemplars."""

    def record(self, labels: Labels, value: float, span: Span | None) -> None: ...

    def label(self, names: tuple[str, ...]) -> None:
        """Have labels of these names from now on."""
        ...

    def after_fork(self) -> None:
        """What was recorded is the parent's."""
        ...


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

    def label(self, names: tuple[str, ...]) -> None:
        self._names = names

    def after_fork(self) -> None:
        """The SDK sees to its own."""


COUNT, SUM, MIN, MAX, BUCKETS = range(5)
"""Places in the cells of a series; from `BUCKETS` on, one for each, and when it began."""


class _Cell:
    """One series."""

    __slots__ = ("attributes", "exemplars", "values")

    def __init__(self, attributes: dict[str, Any], values: storage.Cells) -> None:
        self.attributes = attributes
        self.values = values
        values[MIN], values[MAX] = float("inf"), float("-inf")
        self.exemplars: dict[int, Exemplar] = {}


class CellDistribution:
    """A histogram in cells of our own; bounded like `Sums`."""

    def __init__(
        self, metric: catalogue.Metric, overflowed: Overflowed, *, exemplars: bool
    ) -> None:
        self._metric = metric
        self._names = metric.attributes
        self._overflowed = overflowed
        self._exemplars = exemplars
        # Re-entrant, as a garbage collection may run anybody's finalizer while it is held.
        self._lock = threading.RLock()
        self._series = Bounded[Labels, _Cell](self._make)

    def record(self, labels: Labels, value: float, span: Span | None) -> None:
        series = self._series
        cell = series.cells.get(labels)
        if cell is None:
            cell = self._new_cell(labels)
        elif series.used is not None:
            series.used.add(labels)
        index = bisect_left(self._metric.buckets, value)
        exemplar = _exemplar(span, value) if span is not None and self._exemplars else None
        values = cell.values
        with self._lock:
            values[BUCKETS + index] += 1
            values[COUNT] += 1
            values[SUM] += value
            if value < values[MIN]:
                values[MIN] = value
            if value > values[MAX]:
                values[MAX] = value
            if exemplar is not None:
                cell.exemplars[index] = exemplar

    def _new_cell(self, labels: Labels) -> _Cell:
        with self._lock:
            cell, overflows = self._series.find(labels)
        if overflows:
            self._overflowed(self._metric.name)
        return cell

    def _make(self, labels: Labels | None) -> _Cell:
        size = BUCKETS + len(self._metric.buckets) + 2
        family = storage.Family((self._metric.name,), self._names, size)
        shown = {OVERFLOW: True} if labels is None else labelled(self._names, labels)
        return _Cell(shown, storage.cells(family, labels))

    def label(self, names: tuple[str, ...]) -> None:
        if names != self._names:
            self._names = names
            self.after_fork()

    def collect(self, now: int) -> Metric | None:
        """The metric as it stands; ``None`` before the first recording."""
        with self._lock:
            points = [self._point(cell, now) for cell in self._series.cells.values()]
            if self._series.overflow is not None:
                points.append(self._point(self._series.overflow, now))
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
        values = cell.values
        return HistogramDataPoint(
            cell.attributes,
            storage.since(values),
            now,
            int(values[COUNT]),
            values[SUM],
            tuple(map(int, values[BUCKETS:-1])),
            self._metric.buckets,
            values[MIN],
            values[MAX],
            exemplars,
        )

    def after_fork(self) -> None:
        """The counts are the parent's."""
        self._lock = threading.RLock()
        self._series.clear()


def _exemplar(span: Span, value: float) -> Exemplar | None:
    context = span.get_span_context()
    if not context.trace_flags.sampled:
        return None
    return Exemplar({}, value, time.time_ns(), context.span_id, context.trace_id)


def distributions_for(
    meter: Meter, provider: Any, name: str, version: str
) -> Callable[[catalogue.Metric, Overflowed], Distribution]:
    """What makes distributions for this provider's meter: cells, or the SDK's where those won't do."""
    scope = collection.scope_for(provider, name, version)
    if scope is None:
        return lambda metric, _: SDKDistribution(meter, metric)
    exemplars = os.environ.get("OTEL_METRICS_EXEMPLAR_FILTER", "").strip().lower() != "always_off"

    def make(metric: catalogue.Metric, overflowed: Overflowed) -> CellDistribution:
        made = CellDistribution(metric, overflowed, exemplars=exemplars)
        scope.add(made.collect)
        return made

    return make
