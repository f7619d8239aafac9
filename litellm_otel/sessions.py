"""HTTP sessions of the OTLP exporters that survive a fork and tell what went wrong.

A connection that is open when a worker is forked would be shared by all of them, their requests
mixed up in it; so each child starts with fresh ones.
"""

from __future__ import annotations

import inspect
import os
import sys
from importlib import import_module
from typing import Any

from litellm_otel import delivery, lifecycle
from litellm_otel.sdk_environment import SIGNALS

_EXPORTERS = {
    "traces": ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "OTLPSpanExporter"),
    "metrics": ("opentelemetry.exporter.otlp.proto.http.metric_exporter", "OTLPMetricExporter"),
    "logs": ("opentelemetry.exporter.otlp.proto.http._log_exporter", "OTLPLogExporter"),
}


def exporter_arguments() -> dict[type, dict[str, Any]]:
    """For the SDK's ``exporter_args_map``: a session for each signal that leaves by OTLP/HTTP."""
    arguments: dict[type, dict[str, Any]] = {}
    for signal in SIGNALS:
        if not _sends_over_http(signal) or _has_credential_provider(signal):
            continue
        module, name = _EXPORTERS[signal]
        session = _session()
        arguments[getattr(import_module(module), name)] = {"session": session}
        lifecycle.on_fork(lambda session=session: _renew(session))
    return arguments


def _session() -> Any:
    # Not at the top: seldom-used processes are spared requests and its dependencies.
    from requests import PreparedRequest, Response, Session

    class ExporterSession(Session):
        """Remembers why a request failed, which the exporters tell only some of the time."""

        def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
            try:
                # Datadog's tracer would make a trace of each export.
                untraced = (
                    inspect.unwrap(Session.send) if "ddtrace" in sys.modules else Session.send
                )
                response = untraced(self, request, **kwargs)
            except Exception as error:
                delivery.note_cause(str(error) or type(error).__name__)
                raise
            if not response.ok:
                delivery.note_cause(f"code: {response.status_code} {response.reason}")
            return response

    return ExporterSession()


def _sends_over_http(signal: str) -> bool:
    scope = signal.upper()
    exporters = os.environ.get(f"OTEL_{scope}_EXPORTER", "").replace(" ", "").split(",")
    protocol = os.environ.get(f"OTEL_EXPORTER_OTLP_{scope}_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    return "otlp_proto_http" in exporters or ("otlp" in exporters and protocol == "http/protobuf")


def _has_credential_provider(signal: str) -> bool:
    return any(
        os.environ.get(f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{scope}CREDENTIAL_PROVIDER")
        for scope in ("", f"{signal.upper()}_")
    )


def _renew(session: Any) -> None:
    from requests.adapters import HTTPAdapter

    for prefix in ("https://", "http://"):
        session.mount(prefix, HTTPAdapter())
