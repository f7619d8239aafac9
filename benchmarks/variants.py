"""The ways in which the proxy is started: bare, instrumented, less a part, with LiteLLM's own callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """One way to start the proxy: what stands before ``litellm``, its environment and configuration."""

    name: str
    what: str
    launcher: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    litellm_settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


_EVERYTHING = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_TRACES_SAMPLER": "always_on",
}


def _instrumented(name: str, what: str, **changed: str) -> Variant:
    return Variant(name, what, ("opentelemetry-instrument",), {**_EVERYTHING, **changed})


def _without(instrumentations: str) -> dict[str, str]:
    return {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": instrumentations}


BARE = Variant("bare", "LiteLLM's proxy alone")
BARE_AGAIN = Variant("bare again", "a second bare proxy: the off/off comparison")
INSTRUMENTED = _instrumented(
    "instrumented", "every request traced; spans, metrics and logs exported"
)

PARTS: tuple[Variant, ...] = (
    _instrumented(
        "no span export", "spans made, none encoded or sent", OTEL_TRACES_EXPORTER="none"
    ),
    _instrumented("no log export", "no OpenTelemetry logs", OTEL_LOGS_EXPORTER="none"),
    _instrumented("no metric export", "no metrics collected", OTEL_METRICS_EXPORTER="none"),
    _instrumented("no aiohttp", "no HTTP span below an attempt", **_without("aiohttp-client")),
    _instrumented("no LiteLLM", "HTTP instrumentations only", **_without("litellm_otel")),
    _instrumented("nothing sampled", "no span recorded", OTEL_TRACES_SAMPLER="always_off"),
)
"""Everything on but one part: the difference to ``instrumented`` is what that part costs.

FastAPI's instrumentation is not among them: without it, FastAPI makes spans of its own, and more.
"""

_OTEL = {
    "OTEL_EXPORTER": "otlp_http",
    "LITELLM_OTEL_INTEGRATION_ENABLE_METRICS": "true",
    "LITELLM_OTEL_INTEGRATION_ENABLE_EVENTS": "true",
}


def _with_callbacks(*names: str) -> Variant:
    return Variant(
        f"LiteLLM's {' and '.join(names)}",
        f"a bare proxy with LiteLLM's own callbacks: {', '.join(names)}",
        environment=_OTEL,
        litellm_settings={"callbacks": list(names)},
    )


PEERS: tuple[Variant, ...] = (
    _with_callbacks("otel"),
    _with_callbacks("prometheus"),
    _with_callbacks("otel", "prometheus"),
)
"""What LiteLLM itself has for it: spans, six metrics and logs over OTLP, and its metrics on a page."""
