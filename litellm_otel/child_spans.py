"""For other instrumentations of HTTP clients: spans below one that is there, and without secrets.

LiteLLM asks its providers things of its own accord, when it starts and now and then. A trace of each
would be noise.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.semconv.attributes.url_attributes import URL_FULL
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, Tracer

from litellm_otel.http_urls import presentable
from litellm_otel.outgoing import without_baggage

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.context import Context


class ChildSpans(trace.TracerProvider):
    """Tracers of another provider that begin no trace, show no query, quote no exception."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:
        return _ChildTracer(self._provider.get_tracer(*args, **kwargs))


class _ChildTracer(Tracer):
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Span:
        if not trace.get_current_span(context).get_span_context().is_valid:
            return INVALID_SPAN
        if attributes and URL_FULL in attributes:
            attributes = {**attributes, URL_FULL: presentable(attributes[URL_FULL])}
        return self._tracer.start_span(name, context, kind, attributes, *args, **kwargs)

    def start_as_current_span(
        self, name: str, *args: Any, end_on_exit: bool = True, **kwargs: Any
    ) -> Any:
        return _current(self.start_span(name, *args, **kwargs), end_on_exit)


@contextmanager
def _current(span: Span, end_on_exit: bool) -> Generator[Span]:
    # The instrumentation sends on what it finds in the context.
    token = otel_context.attach(without_baggage(otel_context.get_current()))
    try:
        with trace.use_span(
            span, end_on_exit, record_exception=False, set_status_on_exception=False
        ):
            try:
                yield span
            except Exception as exception:
                span.set_status(Status(StatusCode.ERROR, type(exception).__qualname__))
                raise
    finally:
        otel_context.detach(token)
