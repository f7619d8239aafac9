"""What a process says of itself → the process metrics, read when metrics are collected."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from litellm_otel import selection
from litellm_otel.boundary import guarded
from litellm_otel.catalogue import process as catalogue
from litellm_otel.emit.cells import labelled
from litellm_otel.emit.distributions import CellDistribution
from litellm_otel.emit.facts import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Meter

    from litellm_otel.catalogue import Metric
    from litellm_otel.emit.distributions import Distribution
    from litellm_otel.event_loop import EventLoopWatch
    from litellm_otel.reading.process import ThisProcess
    from litellm_otel.reading.queues import Pool

    Values = Mapping[str, float | None] | float | None


class ProcessMetrics:
    """The instruments of `catalogue.PROCESS`. What is not known is not sent."""

    def __init__(
        self,
        meter: Meter,
        distribution: Callable[[Metric, Callable[[str], None]], Distribution],
        process: ThisProcess,
        loop: EventLoopWatch,
    ) -> None:
        self._meter = meter
        self._process = process
        self._read_process(process)
        self._read_garbage_collection(process)
        self._delays = distribution(catalogue.LOOP_DELAY, lambda _: None)
        loop.on_delay = self._delayed
        self._observe(catalogue.LOOP_DELAY_MAX, lambda: loop.longest_delay)

    def _read_process(self, process: ThisProcess) -> None:
        self._observe(catalogue.CPU_TIME, process.cpu_seconds)
        self._observe(catalogue.MEMORY, lambda: _first(process.memory(), 0))
        self._observe(catalogue.VIRTUAL_MEMORY, lambda: _first(process.memory(), 1))
        self._observe(catalogue.FILE_DESCRIPTORS, process.file_descriptors)
        self._observe(catalogue.FILE_DESCRIPTOR_LIMIT, process.file_descriptor_limit)
        self._observe(catalogue.THREADS, process.threads)
        self._observe(catalogue.CONTEXT_SWITCHES, process.context_switches)
        self._observe(catalogue.UPTIME, process.uptime)

    def _read_garbage_collection(self, process: ThisProcess) -> None:
        for metric, what in (
            (catalogue.GC_COLLECTIONS, "collections"),
            (catalogue.GC_COLLECTED, "collected"),
            (catalogue.GC_UNCOLLECTABLE, "uncollectable"),
        ):

            def read(what: str = what) -> dict[str, float | None]:
                return {str(n): each[what] for n, each in enumerate(process.collections())}

            self._observe(metric, read)

    def queues(
        self,
        logging: Callable[[], tuple[int, int] | None],
        pools: Callable[[], Mapping[str, Pool]],
    ) -> None:
        """Tell of LiteLLM's logging worker and of thread pools."""
        self._observe(catalogue.LOGGING_QUEUE, lambda: _first(logging(), 0))
        self._observe(catalogue.LOGGING_RUNNING, lambda: _first(logging(), 1))
        for metric, field in (
            (catalogue.POOL_BUSY, "busy"),
            (catalogue.POOL_LIMIT, "limit"),
            (catalogue.POOL_QUEUE, "queued"),
        ):

            def read(field: str = field) -> dict[str, float | None]:
                return {name: getattr(pool, field) for name, pool in pools().items()}

            self._observe(metric, read)

    def hanging(self, models: Callable[[], Iterable[str | None] | None]) -> None:
        """Tell of requests that hang, by the model asked for. None: nothing can hang here."""
        seen: set[str] = set()

        def read() -> dict[str, float | None] | None:
            found = models()
            if found is None:
                return None
            counted = Counter(model or OTHER for model in found)
            # What has hung once is told of for good, or its last number would stand.
            seen.update(counted)
            return {model: counted[model] for model in seen or (OTHER,)}

        self._observe(catalogue.HANGING, read)

    def _delayed(self, seconds: float) -> None:
        if _is_on(catalogue.LOOP_DELAY):
            self._delays.record((), seconds, None)

    def _observe(self, metric: Metric, read: Callable[[], Values]) -> None:
        told = guarded(read)

        def callback(_: CallbackOptions) -> list[Observation]:
            value = told() if _is_on(metric) else None
            if value is None:
                return []
            if isinstance(value, (int, float)):
                return [Observation(value)]
            return [
                Observation(each, labelled(metric.attributes, (label,)))
                for label, each in value.items()
                if each is not None
            ]

        create: dict[str, Any] = {
            "counter": self._meter.create_observable_counter,
            "updowncounter": self._meter.create_observable_up_down_counter,
            "gauge": self._meter.create_observable_gauge,
        }
        create[metric.kind](metric.name, [callback], metric.unit, metric.description)

    def after_fork(self) -> None:
        self._process.after_fork()
        if isinstance(self._delays, CellDistribution):
            self._delays.after_fork()


def _is_on(metric: Metric) -> bool:
    return selection.current().labels(metric) is not None


def _first(pair: tuple[int, int] | None, index: int) -> int | None:
    return None if pair is None else pair[index]
