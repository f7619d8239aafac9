"""Where telemetry goes: whether another exporter sends to the same place as ours."""

from __future__ import annotations

import os

from litellm_otel import sdk

# The specification's defaults, for HTTP and for gRPC.
_DEFAULTS = ("http://localhost:4318", "http://localhost:4317")
_VARIABLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
)
_SIGNAL_PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs")


_ours: frozenset[str] = frozenset()


def remember() -> None:
    """Note where ours go, before one of LiteLLM's callbacks writes its own place into the environment."""
    global _ours
    named = [value for name in _VARIABLES if (value := os.environ.get(name))]
    _ours = frozenset(_base(value) for value in named or _DEFAULTS)


def is_elsewhere(endpoint: str | None) -> bool:
    """Whether `endpoint` names a place that ours do not go to. None stands for the environment's by now."""
    named = endpoint or next((v for name in _VARIABLES[:2] if (v := os.environ.get(name))), None)
    return named is not None and _base(named) not in _ours


def providers_are_ours() -> bool:
    """Whether the process' providers were set up by litellm-otel, not by the application."""
    return sdk.configured()


def _base(endpoint: str) -> str:
    base = endpoint.strip().rstrip("/")
    for path in _SIGNAL_PATHS:
        base = base.removesuffix(path)
    return base.rstrip("/").lower()
