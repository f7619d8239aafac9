"""CPU time, memory, threads and open files of this process, by OpenTelemetry's system metrics."""

from __future__ import annotations

import psutil
from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor

from litellm_otel import lifecycle

METRICS: dict[str, list[str] | None] = {
    "process.cpu.time": ["user", "system"],
    "process.memory.usage": None,
    "process.open_file_descriptor.count": None,
    "process.thread.count": None,
}
"""What is measured, with its states if it has some. The host is not ours to watch."""


class ProcessMetrics(SystemMetricsInstrumentor):
    """The instrumentor, which by itself keeps measuring the parent after a fork."""

    def follow_fork(self) -> None:
        self._proc = psutil.Process()


def start() -> None:
    """Measure this process, and after a fork the child."""
    instrumentor = ProcessMetrics(config=METRICS)
    instrumentor.instrument(skip_dep_check=True)
    lifecycle.on_fork(instrumentor.follow_fork)
