"""A disk that fills: what comes is refused before it is full, and what was acknowledged arrives."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stack.components.collector import Collector
from stack.drill.gate import PASS, Gate
from stack.drill.load import ITEM, Load, post
from stack.drill.site import RESERVE, SMALL_DISK, can_mount, put_on_a_small_disk
from stack.paths import RunDirectory
from stack.standins.otlp import OtlpSink
from stack.waiting import until

SIGNALS = ("traces", "logs")
A_BATCH = 10
LARGE = 20_000
"""Bytes of an item: forty batches are more than the disk holds."""
REFUSING = "Refusing telemetry, there is no room on disk"
AGAIN = "There is room on disk, telemetry is taken again"


class Intake(OtlpSink):
    """A backend for traces, and Loki."""

    logs_path = "/otlp/v1/logs"


@pytest.fixture
def gate() -> Iterator[tuple[Intake, Gate]]:
    with Intake() as backend, Gate("backend", backend.url) as made:
        yield backend, made


def send(load: Load, start: int, *, size: int = LARGE) -> list[int]:
    """One request of each signal; the statuses of the answers."""
    numbers = range(start, start + A_BATCH)
    extra = {"large": f"{start:08}" * (size // 8)}
    statuses: list[int] = []
    for kind in SIGNALS:
        request = load.spans if kind == "traces" else load.logs
        status = post(load.endpoint, kind, request(numbers, extra, "")).status_code
        if status == 200:
            load.taken[kind].update(numbers)
        statuses.append(status)
    return statuses


def gauge(collector: Collector, name: str, **labels: str) -> float:
    """The sum of a metric of the limiter's own."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(collector.metrics())
        for sample in family.samples
        if sample.name == f"otelcol_processor_storage_limiter_{name}"
        and {"processor": "storage_limiter", **labels}.items() <= sample.labels.items()
    )


def test_a_disk_that_fills_refuses_and_loses_nothing(
    own_run: RunDirectory, gate: tuple[Intake, Gate]
) -> None:
    if not can_mount():
        pytest.skip("no file system of one's own can be had here")
    backend, door = gate
    collector = Collector(
        run=own_run,
        configs=["base", "traces", "loki"],
        loki=f"{door.url}/otlp",
        env={"TRACES_OTLP_ENDPOINT": door.url},
    )
    put_on_a_small_disk(collector, own_run)
    load = Load(collector.endpoint)
    with collector:
        assert gauge(collector, "reserve_bytes") == RESERVE * 2**20
        assert gauge(collector, "free_bytes") > (SMALL_DISK - 2) * 2**20
        assert gauge(collector, "refused_items_total") == 0

        door.mode = 503
        answers = [send(load, start) for start in range(0, 100 * A_BATCH, A_BATCH)]
        # From the first refusal on nothing is taken, by either way in.
        assert answers[0] == [200, 200]
        assert answers[-1] == [503, 503]
        assert {status for each in answers for status in each} == {200, 503}
        assert all(len(load.taken[kind]) > 100 for kind in SIGNALS)
        refused = sum(each.count(503) for each in answers)
        assert gauge(collector, "refused_items_total") == refused * A_BATCH
        assert gauge(collector, "refused_items_total", data_type="metrics") == 0
        assert gauge(collector, "free_bytes") > RESERVE * 2**20 / 2
        assert collector.log.count(REFUSING) == 1

        # What was being delivered is put into its queue again, on the disk that is full.
        collector.signal(signal.SIGHUP)
        until(lambda: collector.log.count("Everything is ready") == 2, what="a restart")
        assert send(load, 5_000) == [503, 503]
        assert collector.log.count(REFUSING) == 2

        door.mode = PASS
        until(lambda: send(load, 10_000, size=0) == [200, 200], what="room again", timeout=90)
        until(
            lambda: (
                {int(str(span.attributes[ITEM])) for span in list(backend.spans)}
                >= load.taken["traces"]
                and {int(str(log.attributes[ITEM])) for log in list(backend.logs)}
                >= load.taken["logs"]
            ),
            what="everything acknowledged at the backend",
        )
        until(
            lambda: send(load, 20_000, size=0) == [200, 200] and AGAIN in collector.log,
            what="a line that it is over",
            interval=1,
        )
        assert collector.log.count(AGAIN) == 1
        assert "no space left on device" not in collector.log
