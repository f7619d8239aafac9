"""``OTEL_METRICS_EXPORTER=prometheus``: the metrics of one process at the exporter's own port.

The first process to come takes the port. A process that turns out to supervise workers gives it
back, so that a worker serves and not the idle parent.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics

from litellm_otel import announce, lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable

HOST, PORT = "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"

_close: Callable[[], None] | None = None


def address() -> tuple[str, int]:
    """Host and port to serve at."""
    return os.environ.get(HOST) or "localhost", int(os.environ.get(PORT) or 9464)


@cache
def _registry() -> Any:
    """Not the process' own: LiteLLM's `prometheus` callback serves that one, with names that are ours too."""
    from prometheus_client import CollectorRegistry

    return CollectorRegistry()


def start() -> None:
    """Give the meter provider a Prometheus reader and serve it."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    provider: Any = metrics.get_meter_provider()
    provider.add_metric_reader(PrometheusMetricReader(registry=_registry()))
    serve()
    lifecycle.on_fork(_in_child)


def serve() -> None:
    """Take the port, or say who has it."""
    global _close
    from prometheus_client import start_http_server

    host, port = address()
    try:
        server, thread = start_http_server(port=port, addr=host, registry=_registry())
    except OSError as error:
        if not lifecycle.supervising():
            announce.once(
                f"http://{host}:{port}/metrics is not served by process {os.getpid()}:"
                f" {error.strerror or error}; with several workers only one is seen there,"
                " OTEL_METRICS_EXPORTER=otlp shows them all"
            )
        return

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join(1.0)

    _close = close


def release() -> None:
    """Give the port back."""
    global _close
    if _close is not None:
        _close()
        _close = None


def _in_child() -> None:
    # The server's thread stayed behind in the parent.
    global _close
    _close = None
    serve()
