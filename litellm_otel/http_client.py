"""A span for each HTTP request that aiohttp sends for a traced call, and the call's trace context with it.

LiteLLM's asynchronous calls go through aiohttp. This does for them what the contributed instrumentation
does, without its metrics, for half of the CPU time; and it starts no traces of its own.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import wrapt
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled, unwrap
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PROTOCOL_VERSION
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.http import get_excluded_urls, sanitize_method

from litellm_otel import __version__, settings
from litellm_otel.boundary import guarded
from litellm_otel.http_urls import presentable
from litellm_otel.lean_spans import lean
from litellm_otel.outgoing import without_baggage

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp
    from opentelemetry.trace import Span, TracerProvider
    from yarl import URL

SCOPE: Final = "litellm_otel.http_client"
_CAPTURED_HEADERS: Final = (
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE",
)

_ERROR: Final = Status(StatusCode.ERROR)


def suffices() -> bool:
    """Whether nothing is asked for that only the contributed instrumentation has."""
    return (
        not settings.current().http_metrics
        and "http"
        in os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").replace(" ", "").split(",")
        and not any(os.environ.get(name) for name in _CAPTURED_HEADERS)
    )


class HttpClientSpans:
    """Gives every aiohttp session that is made from now on a trace configuration of ours."""

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        import aiohttp

        self._tracer = lean(
            trace.get_tracer(SCOPE, __version__, tracer_provider, Schemas.V1_21_0.value)
        )
        self._excluded = get_excluded_urls("AIOHTTP_CLIENT")
        self._about = lru_cache(maxsize=1024)(self._describe)
        self._session_class = aiohttp.ClientSession
        self._active = False
        # One for all sessions: what belongs to a request is in its exchange.
        self._config = aiohttp.TraceConfig(trace_config_ctx_factory=_as_factory(_Exchange))
        self._config.on_request_start.append(_listener(self._started))
        self._config.on_request_end.append(_listener(self._ended))
        self._config.on_request_exception.append(_listener(self._failed))

    def install(self) -> None:
        self._active = True
        wrapt.wrap_function_wrapper(self._session_class, "__init__", self._add_to_session)

    def remove(self) -> None:
        """Leave new sessions alone, and say nothing of the requests of those that there are."""
        self._active = False
        unwrap(self._session_class, "__init__")

    def _add_to_session(
        self, wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        configs = [*(kwargs.get("trace_configs") or ()), self._config]
        return wrapped(*args, **{**kwargs, "trace_configs": configs})

    @guarded
    def _started(self, exchange: _Exchange, params: aiohttp.TraceRequestStartParams) -> None:
        context = otel_context.get_current()
        parent = trace.get_current_span(context).get_span_context()
        if not (self._active and parent.is_valid and is_http_instrumentation_enabled()):
            return
        about = self._about(params.method, params.url)
        if about is None:
            return
        name, attributes = about
        span = self._tracer.start_span(name, context, SpanKind.CLIENT, attributes)
        exchange.span = span
        propagate.inject(params.headers, trace.set_span_in_context(span, without_baggage(context)))

    def _describe(self, method: str, url: URL) -> tuple[str, dict[str, str | int]] | None:
        """Name and attributes of the span; None where there is to be none."""
        full = str(url)
        if self._excluded.url_disabled(full):
            return None
        known = sanitize_method(method)
        attributes: dict[str, str | int] = {HTTP_REQUEST_METHOD: known, URL_FULL: presentable(full)}
        if known != method:
            attributes[HTTP_REQUEST_METHOD_ORIGINAL] = method
        if url.host:
            attributes[SERVER_ADDRESS] = url.host
        if url.port:
            attributes[SERVER_PORT] = url.port
        return known if known != "_OTHER" else "HTTP", attributes

    @guarded
    def _ended(self, exchange: _Exchange, params: aiohttp.TraceRequestEndParams) -> None:
        span, exchange.span = exchange.span, None
        if span is None:
            return
        if span.is_recording():
            response = params.response
            attributes: dict[str, str | int] = {HTTP_RESPONSE_STATUS_CODE: response.status}
            if response.version is not None:
                attributes[NETWORK_PROTOCOL_VERSION] = "{}.{}".format(*response.version)
            if response.status >= 400:
                attributes[ERROR_TYPE] = str(response.status)
                span.set_status(_ERROR)
            span.set_attributes(attributes)
        span.end()

    @guarded
    def _failed(self, exchange: _Exchange, params: aiohttp.TraceRequestExceptionParams) -> None:
        span, exchange.span = exchange.span, None
        if span is None:
            return
        if span.is_recording():
            # Not its message, which can quote a header or a URL.
            span.set_attribute(ERROR_TYPE, type(params.exception).__qualname__)
            span.set_status(_ERROR)
        span.end()


class _Exchange:
    """One request and its response."""

    __slots__ = ("span",)

    def __init__(self, trace_request_ctx: object = None) -> None:
        self.span: Span | None = None


def _as_factory(make: Any) -> Any:
    """aiohttp says that it wants a SimpleNamespace, and takes anything."""
    return make


def _listener(react: Callable[[Any, Any], None]) -> Any:
    async def listen(_: aiohttp.ClientSession, exchange: Any, params: Any) -> None:
        react(exchange, params)

    return listen
