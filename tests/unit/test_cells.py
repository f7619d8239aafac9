"""Sums: exact under threads, bounded in series, read as observations."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    Metric,
    Sum,
)

from litellm_otel import catalogue
from litellm_otel.emit import collection
from litellm_otel.emit.bounded import EXPIRY
from litellm_otel.emit.cells import Sums
from litellm_otel.emit.counters import Counters


def observed(sums: Sums, index: int = 0) -> dict[frozenset[tuple[str, object]], float]:
    return {
        frozenset((seen.attributes or {}).items()): seen.value
        for seen in sums.observe(index)(CallbackOptions())
    }


def test_adds_to_each_metric_of_the_family() -> None:
    sums = Sums(("model",), ("tokens", "cost"))
    sums.add(("gpt",), 3, 0.5)
    sums.add(("gpt",), 4, 0.25)
    assert observed(sums, 0) == {frozenset({("model", "gpt")}): 7}
    assert observed(sums, 1) == {frozenset({("model", "gpt")}): 0.75}


def test_a_label_without_value_is_left_out() -> None:
    sums = Sums(("model", "team"), ("tokens",))
    sums.add(("gpt", None), 1)
    assert observed(sums) == {frozenset({("model", "gpt")}): 1}


def test_series_are_bounded_and_nothing_is_lost() -> None:
    overflowed: list[str] = []
    sums = Sums(("user",), ("tokens",), overflowed.append, max_series=10)
    for user in range(1000):
        sums.add((f"user-{user}",), 1)
    seen = observed(sums)
    assert len(seen) == 11
    assert seen[frozenset({("otel.metric.overflow", True)})] == 990
    assert sum(seen.values()) == 1000
    assert len(overflowed) == 990


def test_series_that_nobody_adds_to_give_way_after_an_hour() -> None:
    now = 0.0
    sums = Sums(("user",), ("tokens",), max_series=3)
    sums._series._clock = lambda: now
    for user in ("a", "b", "c"):
        sums.add((user,), 1)
    sums.add(("d",), 1)  # no room: from now on it is seen who is still there
    sums.add(("b",), 1)
    now = EXPIRY - 1
    sums.add(("e",), 1)
    assert set(observed(sums)) == {
        *(frozenset({("user", user)}) for user in "abc"),
        frozenset({("otel.metric.overflow", True)}),
    }
    now = EXPIRY + 1
    sums.add(("f",), 1)
    assert observed(sums) == {
        frozenset({("user", "b")}): 2,
        frozenset({("user", "f")}): 1,
        frozenset({("otel.metric.overflow", True)}): 2,
    }


def test_exact_with_many_threads() -> None:
    sums = Sums(("model",), ("tokens",))

    def work() -> None:
        for _ in range(5_000):
            sums.add(("gpt",), 1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert observed(sums) == {frozenset({("model", "gpt")}): 40_000}


def test_cleared_for_a_forked_child() -> None:
    sums = Sums(("model",), ("tokens",))
    sums.add(("gpt",), 1)
    sums.clear()
    assert observed(sums) == {}


def collected(reader: InMemoryMetricReader, *, ours: bool) -> list[Metric]:
    """A counter, each time after it has counted 3."""
    collection.prepare()
    provider = MeterProvider([reader])
    assert (collection.scope_for(provider, "scope", "1") is not None) is ours
    meter = provider.get_meter("scope", "1")
    counters = Counters[float](meter, lambda _: None, [(catalogue.REQUESTS, float)])
    found: list[Metric] = []
    for _ in range(2):
        counters.add({"model": "gpt", "provider": None, "status": "success"}, 3)
        data = reader.get_metrics_data()
        assert data is not None
        found += data.resource_metrics[0].scope_metrics[0].metrics
    return found


@pytest.mark.parametrize(
    ("temporality", "ours", "values"),
    [
        (AggregationTemporality.CUMULATIVE, True, [3, 6]),
        (AggregationTemporality.DELTA, False, [3, 3]),
    ],
)
def test_collected_as_the_sdks_own_counters_are(
    temporality: AggregationTemporality, ours: bool, values: list[int]
) -> None:
    reader = InMemoryMetricReader({ObservableCounter: temporality})
    first, second = collected(reader, ours=ours)
    points: list[Any] = []
    for metric in (first, second):
        assert (metric.name, metric.unit) == (catalogue.REQUESTS.name, catalogue.REQUESTS.unit)
        assert isinstance(metric.data, Sum)
        assert metric.data.is_monotonic
        assert metric.data.aggregation_temporality is temporality
        (point,) = metric.data.data_points
        assert point.attributes == {"model": "gpt", "status": "success"}
        points.append(point)
    assert [point.value for point in points] == values
    if ours:
        assert points[0].start_time_unix_nano == points[1].start_time_unix_nano
    assert points[0].start_time_unix_nano < points[0].time_unix_nano < points[1].time_unix_nano
