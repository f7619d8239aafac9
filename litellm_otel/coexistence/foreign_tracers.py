"""Other packages' instrumentations of LiteLLM (OpenInference, OpenLLMetry), and of what LiteLLM calls.

Those of LiteLLM give way where they would send to the same provider, also when a program starts them
itself. Those of what LiteLLM calls make no span within an attempt: see `litellm_otel.emit.nesting`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from litellm_otel import announce, settings
from litellm_otel.boundary import guarded
from litellm_otel.emit import nesting
from litellm_otel.hooks.seams import Seam, wrapped_by

if TYPE_CHECKING:
    from collections.abc import Callable

_OPENINFERENCE_TRACERS = "openinference.instrumentation._tracers"
INSTRUMENTATIONS = (
    "openinference.instrumentation.litellm",
    "opentelemetry.instrumentation.litellm",
)


def seams() -> tuple[Seam, ...]:
    return (
        *(
            Seam(module, "LiteLLMInstrumentor._instrument", wrapped_by(_instruments), optional=True)
            for module in INSTRUMENTATIONS
        ),
        Seam(
            _OPENINFERENCE_TRACERS,
            "OITracer.start_span",
            wrapped_by(_openinference_span),
            optional=True,
        ),
    )


def left_out(what: str) -> None:
    """Say which of the two is in charge."""
    announce.once(
        f"left out the LiteLLM instrumentation {what!r}, which would trace each call a second time;"
        " LITELLM_OTEL_FOREIGN_LITELLM=keep loads it"
    )


def _instruments(
    wrapped: Callable[..., Any], instrumentor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if _doubles(instrumentor, kwargs):
        return None
    return wrapped(*args, **kwargs)


@guarded
def _doubles(instrumentor: Any, kwargs: dict[str, Any]) -> bool:
    provider = kwargs.get("tracer_provider")
    if settings.current().foreign_litellm == "keep" or provider not in (
        None,
        trace.get_tracer_provider(),
    ):
        return False
    left_out(f"{instrumentor.__module__}:{instrumentor.__class__.__qualname__}")
    return True


def _openinference_span(
    wrapped: Callable[..., Any], tracer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    span = _no_span(tracer)
    return wrapped(*args, **kwargs) if span is None else span


@guarded
def _no_span(tracer: Any) -> Any:
    """Within an attempt: what looks like a span of OpenInference's and is none."""
    if not nesting.within_attempt():
        return None
    # Its own suppression is that of everything, the HTTP spans below among it.
    nothing = trace.NonRecordingSpan(trace.get_current_span().get_span_context())
    return sys.modules[_OPENINFERENCE_TRACERS].OpenInferenceSpan(
        nothing, config=tracer._self_config
    )
