"""What is left of a worker that was killed: sent by another one, as it would have sent it, until it arrives."""

from __future__ import annotations

import fcntl
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

from litellm_otel import __version__, catalogue, lifecycle, settings, workers
from litellm_otel.emit import collection, storage
from litellm_otel.emit.counters import Counters
from litellm_otel.emit.distributions import distributions_for
from litellm_otel.prometheus import gone
from litellm_otel.workers import heirs, meeting, wills
from litellm_otel.workers.ledger import Ledger
from litellm_otel.workers.meeting import LEDGER, WILL, Member

SCOPE = (settings.current().meter_name, __version__)
RESOURCE = Resource(
    {"service.name": "litellm", "service.instance.id": "a", "process.pid": 7, "x": True},
    "https://opentelemetry.io/schemas/1.42.0",
)
LABELS = {"model": "gpt-4o", "provider": "openai", "status": "success"}


class Exporter(MetricExporter):
    """Keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False
        self.given: list[MetricsData] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.given.append(metrics_data)
        return MetricExportResult.FAILURE if self.refuses else MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass

    def of_the_dead(self) -> list[MetricsData]:
        return [each for each in self.given if each.resource_metrics[0].resource == RESOURCE]


class Worker:
    """One that exports metrics and has joined the others in ``where``."""

    def __init__(self, where: Path, resource: Resource) -> None:
        collection.prepare()
        self.exporter = Exporter()
        self.reader = PeriodicExportingMetricReader(self.exporter, math.inf)
        self.provider = MeterProvider([self.reader], resource, shutdown_on_exit=False)
        meter = self.provider.get_meter(*SCOPE)
        make = distributions_for(meter, self.provider, *SCOPE)
        self.counted = Counters[float](meter, lambda _: None, [(catalogue.REQUESTS, float)])
        self.latency = make(catalogue.REQUEST_LATENCY, lambda _: None)
        self.duration = make(catalogue.OPERATION_DURATION, lambda _: None)
        self.heir = heirs.Heir(self.provider, [self.reader])
        self.heir.begin()

    def count(self) -> None:
        self.counted.add(LABELS, 2)
        self.counted.add({**LABELS, "provider": None, "status": 'a "b"\nc'}, 0.5)
        for seconds in (0.001, 0.3, 0.3, 1000.0):
            self.latency.record(("gpt-4o", "openai", "success"), seconds, None)
        self.duration.record(("chat", "openai", None, None, "host", 443, None), 0.1, None)


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "meeting"
    place.mkdir(mode=0o700)
    monkeypatch.setenv(meeting.VARIABLE, f"{os.getpid()}:{place}")
    yield place
    storage.keep_in(None)


@pytest.fixture
def dead(where: Path) -> tuple[Path, MetricsData]:
    """The will of a worker that was killed, and what it would have sent."""
    member = Member(where)
    kept = Ledger(member.descriptor)
    storage.keep_in(kept.keep)
    about = wills.about(RESOURCE, SCOPE)
    assert about is not None
    kept.note(about)
    member.show(LEDGER)
    member.show(WILL)
    worker = Worker(where, RESOURCE)
    worker.count()
    storage.keep_in(None)
    worker.reader.collect()
    fcntl.flock(member.descriptor, fcntl.LOCK_UN)
    return member.path(WILL), worker.exporter.given[-1]


def timeless(data: MetricsData) -> list[Any]:
    """All of it but when it was sent."""
    return [
        (
            (resource.resource, resource.schema_url, scope.scope, scope.schema_url),
            (metric.name, metric.unit, metric.description, type(metric.data)),
            (metric.data.aggregation_temporality, getattr(metric.data, "is_monotonic", None)),
            [replace(point, time_unix_nano=0) for point in metric.data.data_points],
        )
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]


def test_it_says_what_its_worker_would_have_sent(dead: tuple[Path, MetricsData]) -> None:
    file, sent = dead
    will = wills.read(file.read_bytes(), 1)
    assert will is not None
    assert timeless(will) == timeless(sent)
    assert wills.all_in(will, sent)


def test_a_series_that_came_again_goes_on_from_its_second_beginning(where: Path) -> None:
    member = Member(where)
    kept = Ledger(member.descriptor)
    kept.note(wills.about(RESOURCE, SCOPE) or {})
    family = storage.Family(("litellm.requests",), ("model",), 2)
    for value, since in ((5.0, 1024.0), (2.0, 2048.0)):
        cells = kept.keep(family, ("a",))
        assert cells is not None
        cells[0], cells[1] = value, since
    will = wills.read((where / member.name).read_bytes(), 3)
    assert will is not None
    ((point,),) = [metric.data.data_points for metric in metrics_of(will)]
    assert (point.value, point.start_time_unix_nano) == (2.0, 2048)


def metrics_of(data: MetricsData) -> list[Any]:
    return list(data.resource_metrics[0].scope_metrics[0].metrics)


def test_it_is_sent_once_and_then_gone(where: Path, dead: tuple[Path, MetricsData]) -> None:
    file, sent = dead
    worker = Worker(where, Resource({"service.instance.id": "b"}))
    worker.count()
    for _ in range(3):
        worker.reader.collect()
    (again,) = worker.exporter.of_the_dead()
    assert timeless(again) == timeless(sent)
    assert not file.exists()


@pytest.mark.parametrize("page_first", [True, False])
def test_the_page_and_the_heirs_each_have_it_once(
    where: Path, dead: tuple[Path, MetricsData], page_first: bool
) -> None:
    member = Member(where)
    worker = Worker(where, Resource({"service.instance.id": "b"}))
    worker.count()
    for _ in range(2):
        if page_first:
            page = gone.settle(member, set()).page
            worker.reader.collect()
        else:
            worker.reader.collect()
            page = gone.settle(member, set()).page
        requests = page["litellm_requests"].samples.values()
        assert sum(sample.value for sample in requests) == 2.5
        assert len(worker.exporter.of_the_dead()) == 1
    assert [file for file in where.iterdir() if file.suffix in (LEDGER, WILL)] == []


def test_it_is_kept_until_it_arrives(where: Path, dead: tuple[Path, MetricsData]) -> None:
    file, _ = dead
    worker = Worker(where, Resource({"service.instance.id": "b"}))
    worker.count()
    worker.exporter.refuses = True
    worker.reader.collect()
    assert len(worker.exporter.given) == 1, (
        "where the own metrics don't arrive, nothing else is tried"
    )
    refused = worker.exporter.export

    def refuse_the_dead(data: MetricsData, **_: Any) -> MetricExportResult:
        worker.exporter.given.append(data)
        known = data.resource_metrics[0].resource == RESOURCE
        return MetricExportResult.FAILURE if known else MetricExportResult.SUCCESS

    worker.exporter.refuses = False
    worker.heir._exporters[worker.reader] = refuse_the_dead
    worker.reader.collect()
    assert len(worker.exporter.of_the_dead()) == 1
    assert file.exists()
    worker.heir._exporters[worker.reader] = refused.__wrapped__  # pyright: ignore[reportFunctionMemberAccess]
    worker.reader.collect()
    assert len(worker.exporter.of_the_dead()) == 2
    assert not file.exists()


def test_two_heirs_send_it_once(where: Path, dead: tuple[Path, MetricsData]) -> None:
    file, _ = dead
    living = [Worker(where, Resource({"service.instance.id": name})) for name in "bc"]
    for worker in living:
        worker.count()
    both = threading.Barrier(2)

    def collect(worker: Worker) -> None:
        both.wait(60)
        worker.reader.collect()

    threads = [threading.Thread(target=collect, args=(worker,)) for worker in living]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(worker.exporter.of_the_dead()) for worker in living) == 1
    assert not file.exists()


def test_what_another_heir_is_at_is_left_to_it(where: Path, dead: tuple[Path, MetricsData]) -> None:
    file, _ = dead
    worker = Worker(where, Resource({"service.instance.id": "b"}))
    worker.count()
    with meeting.taken(file) as left:
        assert left
        worker.reader.collect()
        assert worker.exporter.of_the_dead() == []
    worker.reader.collect()
    assert len(worker.exporter.of_the_dead()) == 1


def test_what_another_heir_has_just_done_with_is_not_sent_again(
    dead: tuple[Path, MetricsData], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = dead
    lock = fcntl.flock

    def late(opened: Any, how: int) -> None:
        file.unlink(missing_ok=True)
        lock(opened, how)

    monkeypatch.setattr("fcntl.flock", late)
    with meeting.taken(file) as left:
        assert left is None


def test_the_living_are_not_inherited_from(where: Path) -> None:
    member = Member(where)
    member.show(WILL)
    worker = Worker(where, Resource({"service.instance.id": "b"}))
    worker.count()
    worker.reader.collect()
    assert len(worker.exporter.given) == 1
    assert member.path(WILL).exists()


def test_delta_temporality_leaves_no_will(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    for temporality, found in (
        (AggregationTemporality.CUMULATIVE, True),
        (AggregationTemporality.DELTA, False),
    ):
        provider = MeterProvider([InMemoryMetricReader({Histogram: temporality})])
        assert collection.fits(provider) is found


@pytest.mark.parametrize(("arrives", "later"), [(True, 0), (False, 0), (True, 1)])
def test_who_ends_in_order_takes_the_will_back_if_all_of_it_has_arrived(
    where: Path, monkeypatch: pytest.MonkeyPatch, arrives: bool, later: int
) -> None:
    # As a forked child.
    monkeypatch.setenv(meeting.VARIABLE, f"1:{where}")
    monkeypatch.setattr(meeting, "_began_in", 1)
    worker = Worker(where, RESOURCE)
    try:
        worker.count()
        monkeypatch.setattr(lifecycle, "ending", lambda: True)
        worker.exporter.refuses = not arrives
        worker.reader.collect()
        if later:
            worker.counted.add(LABELS, later)
        worker.heir.when_flushed()
        assert bool(list(where.glob(f"*{WILL}"))) is (not arrives or bool(later))
    finally:
        workers.supervise()
