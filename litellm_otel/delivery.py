"""Says once when telemetry stops arriving, and once when it arrives again.

The exporters report every failed attempt; their reports are kept for the reason and not shown, as
the proxy's operator needs one line per outage and not one per interval.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import wrapt

from litellm_otel import announce, lifecycle, settings
from litellm_otel.sdk_environment import redacted_url

if TYPE_CHECKING:
    from collections.abc import Callable

EXPORTERS = (
    ("traces", "opentelemetry.exporter.otlp.proto.http.trace_exporter", "OTLPSpanExporter"),
    ("metrics", "opentelemetry.exporter.otlp.proto.http.metric_exporter", "OTLPMetricExporter"),
    ("logs", "opentelemetry.exporter.otlp.proto.http._log_exporter", "OTLPLogExporter"),
    ("traces", "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", "OTLPSpanExporter"),
    ("metrics", "opentelemetry.exporter.otlp.proto.grpc.metric_exporter", "OTLPMetricExporter"),
    ("logs", "opentelemetry.exporter.otlp.proto.grpc._log_exporter", "OTLPLogExporter"),
)
CHATTY = (
    *{module for _, module, _ in EXPORTERS},
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.sdk._shared_internal",
)
"""Loggers that report each failed attempt, and each item dropped from a full queue."""


@dataclass(slots=True)
class Outage:
    """Whether one signal arrives, and since when not."""

    since: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def failed(self) -> bool:
        """Note a failure; whether it is the first of an outage."""
        with self.lock:
            first = not self.since
            self.since = self.since or time.monotonic()
            return first

    def arrived(self) -> float:
        """Note a success; seconds that the outage it ends has lasted, 0 if there was none."""
        with self.lock:
            seconds = time.monotonic() - self.since if self.since else 0.0
            self.since = 0.0
            return seconds


_outages = {signal: Outage() for signal in ("traces", "metrics", "logs")}
_reason = threading.local()
_last = ""


class _Silencer(logging.Filter):
    """Keeps what an exporter says while it works, for the one line about the outage."""

    def filter(self, record: logging.LogRecord) -> bool:
        if settings.current().debug or record.levelno < logging.WARNING:
            return True
        if getattr(_reason, "active", False):
            # The first report of an attempt has the cause; later ones, that it was given up.
            note_cause(record.getMessage())
            return False
        if record.getMessage().startswith("Queue full"):
            announce.once(
                "more telemetry than can be sent: the oldest is dropped;"
                " OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BLRP_MAX_QUEUE_SIZE hold more"
            )
            return False
        return True


def note_cause(report: str) -> None:
    """Remember why a request of the exporter that works in this thread has failed."""
    global _last
    _last = report
    _reason.text = getattr(_reason, "text", "") or report


def last_cause() -> str:
    """Why something that was to be sent has not arrived, if that is known."""
    return _cause(_last) if _last else ""


def install() -> None:
    """Watch the OTLP exporters, whoever makes them."""
    silencer = _Silencer()
    for name in CHATTY:
        logging.getLogger(name).addFilter(silencer)
    for signal, module, name in EXPORTERS:
        _watch(signal, module, name)
    lifecycle.on_fork(_forget)


def _watch(signal: str, module: str, name: str) -> None:
    def hook(imported: Any) -> None:
        try:
            wrapt.wrap_function_wrapper(imported, f"{name}.export", _exporting(signal))
        except (AttributeError, ImportError):
            announce.logger.debug("litellm-otel: %s has no %s", module, name)

    wrapt.when_imported(module)(hook)


def _exporting(signal: str) -> Callable[..., Any]:
    def export(
        wrapped: Callable[..., Any], exporter: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        _reason.active, _reason.text = True, ""
        try:
            result = wrapped(*args, **kwargs)
        finally:
            _reason.active = False
        _tell(signal, exporter, arrived=getattr(result, "name", "") == "SUCCESS")
        return result

    return export


def _tell(signal: str, exporter: Any, *, arrived: bool) -> None:
    outage = _outages[signal]
    endpoint = redacted_url(str(getattr(exporter, "_endpoint", "the collector")))
    if not arrived:
        if outage.failed():
            announce.logger.warning(
                "litellm-otel: %s do not arrive at %s: %s; trying on, keeping what fits",
                signal,
                endpoint,
                _cause(_reason.text),
            )
    elif seconds := outage.arrived():
        announce.logger.warning(
            "litellm-otel: %s arrive at %s again, after %.0f s", signal, endpoint, seconds
        )


def _cause(report: str) -> str:
    """The short cause in an exporter's report, without the nesting of exceptions in it."""
    for known, short in (
        ("Connection refused", "connection refused"),
        ("Name or service not known", "no such host"),
        ("Temporary failure in name resolution", "no such host"),
        ("nodename nor servname", "no such host"),
        ("No route to host", "no route to host"),
        ("timed out", "timed out"),
        ("CERTIFICATE_VERIFY_FAILED", "certificate not trusted"),
        ("WRONG_VERSION_NUMBER", "no TLS there, use http://"),
        ("Connection aborted", "connection closed, perhaps not an OTLP/HTTP port"),
    ):
        if known in report:
            return short
    _, found, code = report.partition("code: ")
    return f"HTTP {code}" if found else report.partition("(")[0].strip() or "unknown cause"


def _forget() -> None:
    for outage in _outages.values():
        outage.lock = threading.Lock()
        outage.since = 0.0
