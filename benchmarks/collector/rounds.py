"""Rounds of the same load for each variant in turn, and what each took: CPU, time, memory, disk.

A round ends when the backend has everything, so that nothing is left for the next one's account. Variants
take turns in short rounds, the order turned around each time: a machine that gets slower does so for all.
"""

from __future__ import annotations

import http.client
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.collector.cases import PLAIN, VARIANTS, Case, configurations
from benchmarks.collector.payload import Body, Payload
from benchmarks.cpu import all_cpus, cpu_seconds, pin
from stack.components.collector import Collector
from stack.paths import RunDirectory
from stack.waiting import until

CONNECTIONS: Final = 8
DELIVERED_WITHIN: Final = 120.0
QUIET: Final = 1.5
"""Seconds without an item after which there are none to come: longer than any flush takes."""
_ITEMS: Final = {"traces": "spans", "logs": "log_records", "metrics": "metric_points"}


@dataclass(frozen=True)
class Round:
    """What one round of one variant took."""

    items: int
    cpu: float
    """Seconds of the collector's process."""
    accepted: float
    """Seconds until the collector had acknowledged everything."""
    wall: float
    """Seconds until the backend had everything."""
    written: int
    """Bytes to disk."""
    sender: float
    """Seconds of CPU of who sends, and of the backend."""


class Subject:
    """A collector that is measured, pinned to one CPU and told to use no more."""

    def __init__(
        self, case: Case, variant: str, backend: str, run: RunDirectory, number: int
    ) -> None:
        self.case = case
        self.variant = variant
        slug = f"{number}-{case.signal}-{VARIANTS.index(variant)}"
        self.collector = Collector(
            run=run,
            name=slug,
            configs=configurations(case, variant, run.subfolder(f"{slug}/config")),
            env={
                "BACKEND": backend,
                "GOMAXPROCS": "1",
                **{name: value.format(backend=backend) for name, value in case.environment.items()},
            },
        )

    @contextmanager
    def running(self) -> Iterator[Subject]:
        with self.collector:
            pin(self.collector.pid, {max(all_cpus())})
            yield self

    def delivered(self) -> float:
        """Items that the backend has taken."""
        last = ["otlp_http", "prometheusremotewrite"] if self.variant == PLAIN else self.case.last
        names = "|".join(map(re.escape, last))
        found = re.findall(
            rf'^otelcol_exporter_sent_{_ITEMS[self.case.signal]}_total{{[^}}]*exporter="(?:{names})"'
            r"[^}]*} (\S+)$",
            httpx.get(f"http://{self.collector.metrics_address}/metrics", trust_env=False).text,
            re.M,
        )
        return sum(map(float, found))

    def written(self) -> int:
        return psutil.Process(self.collector.pid).io_counters().write_bytes

    def peak_memory(self) -> int:
        """Bytes: the most that the process had resident so far."""
        status = Path(f"/proc/{self.collector.pid}/status").read_text(encoding="ascii")
        [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.M)
        return int(kilobytes) * 1024


class Sender:
    """Connections that each send the next body as soon as the one before is acknowledged."""

    def __init__(self, subject: Subject, bodies: Sequence[Body]) -> None:
        self.refused = 0
        self._subject = subject
        self._bodies = iter(bodies)
        self._lock = threading.Lock()
        self._failures: list[BaseException] = []

    def send(self) -> None:
        threads = [threading.Thread(target=self._connection) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _next(self) -> Body | None:
        with self._lock:
            return next(self._bodies, None)

    def _connection(self) -> None:
        try:
            address = self._subject.collector.endpoint.removeprefix("http://")
            connection = http.client.HTTPConnection(address, timeout=60)
            while (body := self._next()) is not None:
                while not self._taken(connection, body.now()):
                    self.refused += 1
                    time.sleep(0.02)
            connection.close()
        except BaseException as error:
            self._failures.append(error)

    def _taken(self, connection: http.client.HTTPConnection, data: bytes) -> bool:
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", f"/v1/{self._subject.case.signal}", data, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status not in (200, 429, 503):
            raise RuntimeError(f"{self._subject.variant}: {response.status} {answer[:300]!r}")
        return response.status == 200


def run_one(subject: Subject, payload: Payload, requests: int, helpers: Sequence[int]) -> Round:
    """The same requests, until the backend has them."""
    bodies = list(islice(cycle(payload.bodies), requests))
    items = sum(body.items for body in bodies)
    before = subject.delivered()
    pid = subject.collector.pid
    pids = (os.getpid(), *helpers)
    cpu, written = cpu_seconds(pid), subject.written()
    others = sum(map(cpu_seconds, pids))
    started = time.monotonic()
    Sender(subject, bodies).send()
    accepted = time.monotonic() - started
    delivered = _await_delivery(subject, before, items)
    return Round(
        items,
        cpu_seconds(pid) - cpu,
        accepted,
        delivered - started,
        subject.written() - written,
        sum(map(cpu_seconds, pids)) - others,
    )


def _await_delivery(subject: Subject, before: float, items: int) -> float:
    """When the backend had everything: so many items more than before, or no more for a while."""
    taken, changed = before, time.monotonic()

    def all_there() -> bool:
        nonlocal taken, changed
        now = subject.delivered()
        if now != taken:
            taken, changed = now, time.monotonic()
        if subject.case.exact:
            return taken - before >= items
        return taken > before and time.monotonic() - changed > QUIET

    what = f"{items} items of {subject.case.name} from {subject.variant}"
    until(all_there, what=what, timeout=DELIVERED_WITHIN, interval=0.05)
    return changed


@dataclass(frozen=True)
class Measured:
    """All rounds of one variant of one case."""

    rounds: Sequence[Round]
    peak_memory: int


def measure(
    case: Case,
    payload: Payload,
    *,
    backend: str,
    backend_pid: int,
    run: RunDirectory,
    number: int,
    rounds: int,
    seconds: float,
) -> dict[str, Measured]:
    """``seconds``: of CPU that the plain pipeline is to have to do in each round."""
    with ExitStack() as life:
        subjects = [
            life.enter_context(Subject(case, variant, backend, run, number).running())
            for variant in VARIANTS
        ]
        helpers = [backend_pid]
        for subject in subjects:
            run_one(subject, payload, 4 * len(payload.bodies), helpers)  # warm
        trial = run_one(subjects[0], payload, 2 * len(payload.bodies), helpers)
        requests = max(4, round(seconds / trial.cpu * 2 * len(payload.bodies)))
        found: dict[str, list[Round]] = {subject.variant: [] for subject in subjects}
        for turn in range(rounds):
            for subject in subjects if turn % 2 == 0 else reversed(subjects):
                found[subject.variant].append(run_one(subject, payload, requests, helpers))
        return {
            subject.variant: Measured(found[subject.variant], subject.peak_memory())
            for subject in subjects
        }
