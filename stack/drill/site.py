"""What a drill happens to: a real collector and, behind gates, Prometheus, Loki and the stand-ins of
Datadog and of a backend for traces."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from ..components.collector import Collector, config_flags
from ..components.loki import Line, Loki
from ..components.prometheus import Prometheus
from ..paths import RunDirectory
from ..running import Running
from ..standins.datadog import Datadog
from ..standins.otlp import OtlpSink
from ..waiting import until
from .gate import Gate
from .load import GAUGE, ITEM, Load

API_KEY = "0" * 32
ITEMS_A_BATCH = 10
PAUSE = 0.2
"""Seconds between two batches."""
SMALL_DISK = 24
RESERVE = 10
"""Megabytes of a small disk that are kept free, so that the queues can be emptied."""


class Backends:
    """Prometheus, Loki, Datadog and a backend for traces, for all drills of a run, each behind its gate."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.prometheus = Prometheus(run=run, interval=None)
        self.loki = Loki(run=run)
        self.datadog = Datadog(api_key=API_KEY)
        self.otlp = OtlpSink()
        self.gates = {
            "Prometheus": Gate("Prometheus", self.prometheus.url),
            "Loki": Gate("Loki", self.loki.url),
            "Datadog": Gate("Datadog", self.datadog.url),
            "OTLP": Gate("OTLP", self.otlp.url),
        }

    def start(self, running: Running) -> None:
        parts = (self.prometheus, self.loki, self.datadog, self.otlp)
        for part in (*parts, *self.gates.values()):
            running.add(part)

    def down(self, name: str) -> None:
        """The real one ends; where a stand-in was, nothing listens any more."""
        self.gates[name].shut()
        if name == "Prometheus":
            self.prometheus.stop()
        elif name == "Loki":
            self.loki.stop()

    def up(self, name: str) -> None:
        if name == "Prometheus":
            self.prometheus.start()
            self.prometheus.await_ready()
        elif name == "Loki":
            self.loki.start()
            self.loki.await_ready()
        self.gates[name].open()

    def forget(self) -> None:
        """What the stand-ins hold of a drill that is over."""
        self.datadog.forget()
        self.otlp.forget()

    def stored(self, numbers: range, instance: str) -> dict[tuple[str, str], Counter[int]]:
        """How often each of these numbers, which ``instance`` sent, is stored, by signal and backend."""
        levels = (
            point.attributes
            for metric in list(self.datadog.metrics)
            if metric.name == GAUGE
            for point in metric.points
        )
        found: dict[tuple[str, str], Iterable[object]] = {
            ("metrics", "Prometheus"): (
                series["load_item"]
                for series in self.prometheus.series(f'load_level{{instance="{instance}"}}')
            ),
            ("logs", "Loki"): (line.labels["load_item"] for line in self._lines(numbers)),
            ("metrics", "Datadog"): (each[ITEM] for each in levels),
            ("logs", "Datadog"): (log.attributes[ITEM] for log in list(self.datadog.logs)),
            ("traces", "Datadog"): (span.attributes[ITEM] for span in list(self.datadog.spans)),
            ("traces", "OTLP"): (span.attributes[ITEM] for span in list(self.otlp.spans)),
        }
        return {
            where: Counter(number for each in items if (number := int(str(each))) in numbers)
            for where, items in found.items()
        }

    def _lines(self, numbers: range) -> Iterator[Line]:
        """A piece at a time: Loki answers with no more than 5,000 lines and 4 MiB."""
        for start in range(numbers.start, numbers.stop, 100):
            piece = f"| load_item >= {start} | load_item < {start + 100}"
            yield from self.loki.query(f'{{service_name="litellm"}} {piece}')


class Site:
    """One drill's collector, with queues of its own, and the load on it."""

    def __init__(self, backends: Backends, name: str, first: int) -> None:
        self.backends = backends
        self.padding = 0
        """Bytes added to each item from now on."""
        gates = backends.gates
        self.collector = Collector(
            run=backends.run,
            name=f"collector-{name}",
            configs=["task:hybrid"],
            prometheus=f"{gates['Prometheus'].url}/api/v1/write",
            loki=f"{gates['Loki'].url}/otlp",
            datadog=gates["Datadog"].url,
            datadog_key=API_KEY,
            env={"TRACES_OTLP_ENDPOINT": gates["OTLP"].url},
        )
        self.load = Load(self.collector.endpoint, instance=f"load-{first}")
        self.first = self._next = first
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._deliver, name="load", daemon=True)

    @property
    def numbers(self) -> range:
        """Those of the items sent so far."""
        return range(self.first, self._next)

    def _deliver(self) -> None:
        while not self._stop.is_set():
            numbers = range(self._next, self._next + ITEMS_A_BATCH)
            self._next += ITEMS_A_BATCH
            self.load.deliver(numbers, self._stop.is_set, padding=self.padding)
            self._stop.wait(PAUSE)

    def on_a_small_disk(self) -> None:
        """Before the start: its storage becomes a file system of a few megabytes, of its own."""
        put_on_a_small_disk(self.collector, self.backends.run)

    def send_bad_item(self) -> None:
        """Of the batches to come, make one hold an item of long ago."""
        self.load.ancient.add(self._next + ITEMS_A_BATCH + 3)

    def kill(self) -> None:
        """SIGKILL, and a new process on the same queues."""
        self.collector.signal(signal.SIGKILL)
        self.collector.wait(10)
        self.collector.start()
        self.collector.await_ready()

    def await_acknowledged(self) -> None:
        """Until more of each signal was taken."""
        before = {signal: len(taken) for signal, taken in self.load.taken.items()}
        until(
            lambda: all(len(self.load.taken[each]) > number for each, number in before.items()),
            what="what is sent to be taken again",
            timeout=120,
        )

    @contextmanager
    def under_load(self) -> Iterator[None]:
        self.collector.start()
        try:
            self.collector.await_ready()
            self._thread.start()
            try:
                yield
            finally:
                self._stop.set()
                self._thread.join(30)
        except BaseException:
            self.collector.stop()
            raise

    def wait(self, seconds: float) -> None:
        """Let that much of the load pass: what the drill consists of, not a guess at when something is done."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.collector.ensure_running()
            time.sleep(min(0.2, max(0.0, end - time.monotonic())))


def put_on_a_small_disk(collector: Collector, run: RunDirectory) -> None:
    """Before its start: the collector's queues are on a disk of `SMALL_DISK` MB, its settings fit it."""
    storage = Path(collector.env["LITELLM_OTELCOL_STORAGE_DIRECTORY"])
    collector.env["LITELLM_OTELCOL_STORAGE_RESERVE_MIB"] = str(RESERVE)
    # Emptied files give their room back from 32 MB on otherwise, which is more than there is.
    sooner = {"rebound_needed_threshold_mib": 1, "rebound_trigger_threshold_mib": 1}
    changes = {"extensions": {"file_storage": {"compaction": sooner}}}
    file = run.write(f"{collector.name}/small-disk.yaml", yaml.safe_dump(changes))
    mount = f'mount -t tmpfs -o size={SMALL_DISK}m drill "$1" && shift && exec "$@"'
    collector.argv = [
        *("unshare", "--user", "--map-root-user", "--mount"),
        *("sh", "-c", mount, "sh", str(storage)),
        *collector.argv,
        *config_flags([file]),
    ]


def can_mount() -> bool:
    """Whether a file system of one's own can be had here: Linux, with user namespaces."""
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "x", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0
