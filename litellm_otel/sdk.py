"""Starts OpenTelemetry's SDK, once, and not before something needs it.

Starting it takes a third of a second, and a ``PYTHONPATH`` reaches every Python process of a
container, probes and cron jobs too. So the SDK starts when LiteLLM, or a library that is instrumented,
is imported. Tracers, meters and loggers that were got before come to life with it.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import metrics, trace

from litellm_otel import announce, lifecycle, settings
from litellm_otel.process import is_spawned

if TYPE_CHECKING:
    from collections.abc import Generator

METRICS_EXPORTER = "OTEL_METRICS_EXPORTER"

_interpreter_started_in = os.getpid()
# Re-entrant: what is imported in there may ask for the start once more.
_lock = threading.RLock()
defaults: dict[str, str] = {}
"""Environment variables that are as good as set while the SDK starts, where they are not."""

_arguments: dict[str, Any] | None = None
_configured = False


def start_when_needed(**arguments: Any) -> None:
    """Start with the import of LiteLLM, unless something calls `start` sooner."""
    global _arguments
    _arguments = arguments
    wrapt.when_imported("litellm")(_on_import)


def _on_import(_: object) -> None:
    start()


def start() -> None:
    """Start the SDK, or leave alone what the application has started. Does so once."""
    global _arguments
    with _lock:
        arguments, _arguments = _arguments, None
        if arguments is None:
            return
        from litellm_otel import delivery, logs

        delivery.install()
        from litellm_otel.coexistence import datadog

        if application_has_providers() and not datadog.has_taken_over_traces():
            announce.logger.debug("litellm-otel: the application set up OpenTelemetry itself")
            _serve_metrics(port=False)
        else:
            try:
                with _given(defaults):
                    _configure(arguments)
            except Exception as error:
                announce.once(
                    "OpenTelemetry could not be started, nothing is sent:"
                    f" {type(error).__name__}: {error}"
                )
        lifecycle.install()
        logs.install()


def application_has_providers() -> bool:
    """Whether somebody configured OpenTelemetry in this process before us."""
    return not (
        isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
        and type(metrics.get_meter_provider()).__name__ == "_ProxyMeterProvider"
    )


def _configure(arguments: dict[str, Any]) -> None:
    # Distros are meant to build on this class, its name notwithstanding.
    from opentelemetry.sdk import _configuration

    from litellm_otel import sessions
    from litellm_otel.otlp import exporters

    exporters.install()
    from litellm_otel.emit import collection

    collection.prepare()
    configurator: Any = getattr(_configuration, "_OTelSDKConfigurator")()  # noqa: B009
    port = False
    if os.environ.get("OTEL_CONFIG_FILE"):
        configurator.configure()
    else:
        if identity := _own_identity():
            arguments["resource_attributes"] = identity
        with _beside_datadog(_configuration), _prometheus_apart() as port:
            configurator.configure(exporter_args_map=sessions.exporter_arguments(), **arguments)
    _serve_metrics(port=port)
    _leave_will()
    global _configured
    _configured = True
    lifecycle.take_over_exit()


def _serve_metrics(*, port: bool) -> None:
    endpoint = settings.current().metrics_endpoint
    if port or endpoint:
        from litellm_otel import prometheus

        prometheus.start(port=port, endpoint=endpoint)


def _leave_will() -> None:
    try:
        from litellm_otel.workers import heirs
    except ImportError as error:  # no locks on files, as on Windows
        announce.logger.debug("litellm-otel: counts of a killed worker are not sent: %s", error)
        return
    heirs.start()


def configured() -> bool:
    """Whether the providers of this process are those that `start` has set up."""
    return _configured


def _own_identity() -> dict[str, str]:
    """An instance id of its own for each worker, where one id is set for all of them."""
    if not is_spawned() and os.getpid() == _interpreter_started_in:
        return {}
    for pair in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        name, _, value = pair.partition("=")
        if name.strip() == "service.instance.id":
            return {name.strip(): f"{value.strip()}-{os.getpid()}"}
    return {}


def _beside_datadog(configuration: Any) -> AbstractContextManager[None]:
    from litellm_otel.coexistence import datadog

    if datadog.has_taken_over_traces():
        return datadog.only_metrics_and_logs(configuration)
    return nullcontext()


@contextmanager
def _given(variables: dict[str, str]) -> Generator[None]:
    """Set those that are not set, for a while."""
    missing = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


@contextmanager
def _prometheus_apart() -> Generator[bool]:
    """Hide ``prometheus`` from the SDK, which gives up everything when the port is taken."""
    before = os.environ.get(METRICS_EXPORTER, "")
    names = [name.strip() for name in before.split(",")]
    others = [name for name in names if name != "prometheus"]
    if others == names:
        yield False
        return
    os.environ[METRICS_EXPORTER] = ",".join(others) or "none"
    try:
        yield True
    finally:
        # Workers that are spawned later read it again.
        os.environ[METRICS_EXPORTER] = before
