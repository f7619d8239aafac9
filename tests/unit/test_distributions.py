"""Our histograms are the SDK's, to the last count, and cheaper; where they can't be, the SDK's are used."""

from __future__ import annotations

import random
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Histogram as SDKHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import TracerProvider

from litellm_otel.catalogue import Metric
from litellm_otel.emit.bounded import MAX_SERIES
from litellm_otel.emit.collection import prepare
from litellm_otel.emit.distributions import CellDistribution, SDKDistribution, distributions_for

METRIC = Metric(
    "test.duration", "histogram", "s", "A test.", ("model", "error"), "n", (0.1, 0.5, 1.0)
)


class Setup:
    def __init__(self, **provider: Any) -> None:
        prepare()
        self.reader = provider.pop("reader", None) or InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], **provider)
        self.meter = self.provider.get_meter("scope", "1")
        self.overflowed: list[str] = []
        make = distributions_for(self.meter, self.provider, "scope", "1")
        self.distribution = make(METRIC, self.overflowed.append)

    def points(self, name: str = METRIC.name) -> dict[frozenset[Any], Any]:
        data = self.reader.get_metrics_data()
        return {
            frozenset((point.attributes or {}).items()): point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }


def test_equal_to_the_sdk_on_the_same_values() -> None:
    setup = Setup()
    assert isinstance(setup.distribution, CellDistribution)
    library = SDKDistribution(
        setup.meter, Metric("library", *[getattr(METRIC, n) for n in METRIC.__slots__[1:]])
    )
    randomly = random.Random(7)
    for _ in range(1000):
        labels = (randomly.choice("abc"), randomly.choice((None, "Timeout")))
        value = randomly.choice((0.0, 0.1, 0.5, 1.0, randomly.random() * 2))
        setup.distribution.record(labels, value, None)
        library.record(labels, value, None)
    # One collection yields both, in the same scope.
    data = setup.reader.get_metrics_data()
    assert data is not None
    ((scope,),) = [resource.scope_metrics for resource in data.resource_metrics]
    ours, theirs = (
        {
            frozenset((point.attributes or {}).items()): (
                point.count,
                pytest.approx(point.sum),
                tuple(point.bucket_counts),
                tuple(point.explicit_bounds),
                point.min,
                point.max,
            )
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }
        for name in (METRIC.name, "library")
    )
    assert ours == theirs
    assert len(ours) == 6


def test_cumulative_over_collections() -> None:
    setup = Setup()
    setup.distribution.record(("a", None), 0.2, None)
    (first,) = setup.points().values()
    setup.distribution.record(("a", None), 0.3, None)
    (second,) = setup.points().values()
    assert (first.count, second.count) == (1, 2)
    assert first.start_time_unix_nano == second.start_time_unix_nano
    assert second.time_unix_nano > first.time_unix_nano


def test_exemplars_of_sampled_spans() -> None:
    setup = Setup()
    span = TracerProvider().get_tracer("t").start_span("s")
    setup.distribution.record(("a", None), 0.2, span)
    (point,) = setup.points().values()
    (exemplar,) = point.exemplars
    assert (exemplar.trace_id, exemplar.span_id, exemplar.value) == (
        span.get_span_context().trace_id,
        span.get_span_context().span_id,
        0.2,
    )
    (later,) = setup.points().values()
    assert not later.exemplars


def test_series_are_bounded() -> None:
    setup = Setup()
    for number in range(MAX_SERIES + 50):
        setup.distribution.record((f"model-{number}", None), 0.2, None)
    points = setup.points()
    assert len(points) == MAX_SERIES + 1
    assert points[frozenset({("otel.metric.overflow", True)})].count == 50
    assert setup.overflowed == [METRIC.name] * 50


def test_delta_temporality_and_views_use_the_sdk() -> None:
    delta = InMemoryMetricReader({SDKHistogram: AggregationTemporality.DELTA})
    for setup in (Setup(reader=delta), Setup(views=[View(instrument_name="*")])):
        assert isinstance(setup.distribution, SDKDistribution)
        setup.distribution.record(("a", None), 0.2, None)
        (point,) = setup.points().values()
        assert point.count == 1


def test_two_providers_do_not_mix() -> None:
    one, other = Setup(), Setup()
    one.distribution.record(("a", None), 0.2, None)
    assert len(one.points()) == 1
    assert not other.points()
