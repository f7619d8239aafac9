"""Tells the client its trace: the header ``traceresponse``, or one that the settings name.

By the way OpenTelemetry's instrumentations have for it, a response propagator, which ASGI's asks before
each message it sends; whoever has set one keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.instrumentation import propagators

if TYPE_CHECKING:
    from opentelemetry.context import Context

STANDARD: Final = "traceresponse"
NONE: Final = "none"
_EXPOSE: Final = "Access-Control-Expose-Headers"


def install(header: str) -> None:
    """Have answers carry the header, unless somebody has chosen how they tell their trace."""
    standard: Any = propagators
    if header != NONE and standard.get_global_response_propagator() is None:
        standard.set_global_response_propagator(TraceResponse(header))


class TraceResponse(propagators.TraceResponsePropagator):
    """Puts the trace into the header of an answer: as the W3C's draft has it, or the bare id."""

    def __init__(self, header: str) -> None:
        self._header = header

    def inject(
        self, carrier: Any, context: Context | None = None, setter: Any = propagators.default_setter
    ) -> None:
        if carrier.get("type") not in (None, "http.response.start", "websocket.accept"):
            return  # it has no headers
        if self._header == STANDARD:
            super().inject(carrier, context, setter)  # pyright: ignore[reportUnknownMemberType]
            return
        span_context = trace.get_current_span(context).get_span_context()
        if span_context.is_valid:
            setter.set(carrier, self._header, trace.format_trace_id(span_context.trace_id))
            setter.set(carrier, _EXPOSE, self._header)
