"""The server span of each request: the contributed ASGI middleware's, for a third of its CPU time.

In everything that is exported it is the same span, but for the first request of a route that is only
then added, which it names after that. What is left out is work for metrics that nobody
asked for, setting each attribute twice, and looking at all headers anew for each one that is wanted. Where
more is asked for than the span, the contributed middleware does all of it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.instrumentation import asgi, propagators
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.propagators.textmap import Getter
from opentelemetry.semconv.attributes.client_attributes import CLIENT_ADDRESS, CLIENT_PORT
from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE
from opentelemetry.trace import SpanKind, Status, StatusCode

from litellm_otel import announce, settings
from litellm_otel.boundary import guarded
from litellm_otel.lean_spans import lean

if TYPE_CHECKING:
    from contextvars import Token
    from types import ModuleType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MIDDLEWARE: Final = "OpenTelemetryMiddleware"
_ASKED_ABOUT: Final = ("http_version", "method", "path", "query_string", "scheme", "server", "type")
"""What the attributes are made of, besides two headers and the client's address."""
_REMEMBERED: Final = 1024
_HAVE_HEADERS: Final = ("http.response.start", "websocket.accept")


def install(instrumentation: ModuleType) -> None:
    """Have the instrumentation of FastAPI use it; to be done before an application is made."""
    if getattr(instrumentation, MIDDLEWARE, None) is asgi.OpenTelemetryMiddleware:
        setattr(instrumentation, MIDDLEWARE, ServerSpans)
    else:
        announce.logger.debug("litellm-otel: %s has no %s", instrumentation.__name__, MIDDLEWARE)


Headers = dict[bytes, list[bytes]]


class _Headers(Getter[Headers]):
    """Of headers by name, in small letters."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        values = carrier.get(key.lower().encode("latin-1", "replace"))
        return None if values is None else [_text(value) for value in values]

    def keys(self, carrier: Headers) -> list[str]:
        return [_text(name) for name in carrier]


_HEADERS: Final = _Headers()
_contributed: Any = asgi
_responses: Any = propagators


class _Opened(NamedTuple):
    span: Span
    token: Token[Context]
    routes: int | None
    """How many there were when it was named after none of them."""


class ServerSpans:
    """In place of the contributed middleware, which it has do what is asked for seldom."""

    def __init__(self, app: Any, **options: Any) -> None:
        # By this name: FastAPI looks along these for the contributed one, and makes spans itself without it.
        self.app: Any = asgi.OpenTelemetryMiddleware(app, **options)
        self._inner: Any = self.app.app
        self._suffices = _has_nothing_to_add(self.app)
        self._tracer = lean(self.app.tracer)
        self._described = lru_cache(_REMEMBERED)(self._describe)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._suffices:
            await self.app(scope, receive, send)
            return
        opened = self._open(scope)
        if opened is None:
            await self._inner(scope, receive, send)
            return
        span, token, routes = opened
        said: int | None = None

        async def answering(message: Message) -> None:
            nonlocal said
            kind = message["type"]
            if kind in _HAVE_HEADERS:
                _tell_trace(message, span)
            status = _status_in(message)
            if status is not None and status != said:
                said = status
                self._note_status(span, status)
                if routes is not None:
                    self._name(span, scope, routes)
            await send(message)
            if kind == "http.response.body" and not message.get("more_body", False):
                _end(span)

        try:
            await self._inner(scope, receive, answering)
        except Exception as exception:
            _note_exception(span, exception)
            raise
        finally:
            otel_context.detach(token)
            _end(span)

    @guarded
    def _open(self, scope: Scope) -> _Opened | None:
        """The span and what leaves it; None where there is to be none."""
        if scope["type"] not in ("http", "websocket") or not is_http_instrumentation_enabled():
            return None
        headers = _by_name(scope)
        excluded, known = self._described(
            *map(_hashable, map(scope.get, _ASKED_ABOUT)),
            *(tuple(headers.get(name, ())) for name in (b"host", b"user-agent")),
        )
        if excluded:
            return None
        name, route = self.app.default_span_details(scope)
        attributes = {**known, **_client_of(scope), **route}
        context, kind = otel_context.get_current(), SpanKind.INTERNAL
        if trace.get_current_span() is trace.INVALID_SPAN:
            context, kind = propagate.extract(headers, getter=_HEADERS), SpanKind.SERVER
        span = self._tracer.start_span(name, context, kind, attributes)
        if self.app.server_request_hook is not None:
            self.app.server_request_hook(span, scope)
        token = otel_context.attach(trace.set_span_in_context(span, context))
        return _Opened(span, token, None if HTTP_ROUTE in route else _routes_of(scope))

    def _describe(self, *given: Any) -> tuple[bool, dict[str, Any]]:
        """Whether such requests are left out, and the attributes that all of them have."""
        *fields, host, user_agent = given
        scope: dict[str, Any] = {
            name: value
            for name, value in zip(_ASKED_ABOUT, fields, strict=True)
            if value is not None
        }
        scope["headers"] = [
            (name, value)
            for name, values in ((b"host", host), (b"user-agent", user_agent))
            for value in values
        ]
        _, _, url = _contributed.get_host_port_url_tuple(scope)
        patterns = self.app.excluded_urls
        excluded = bool(patterns) and patterns.url_disabled(url)
        return excluded, _contributed.collect_request_attributes(
            scope, self.app._sem_conv_opt_in_mode
        )

    @guarded
    def _name(self, span: Span, scope: Scope, routes: int) -> None:
        """After a route that was not there when the request came: LiteLLM adds some when first asked for."""
        if _routes_of(scope) == routes:
            return
        name, route = self.app.default_span_details(scope)
        if HTTP_ROUTE in route:
            span.update_name(name)
            span.set_attributes(route)

    @guarded
    def _note_status(self, span: Span, status: int) -> None:
        _contributed.set_status_code(span, status, None, self.app._sem_conv_opt_in_mode)


def _has_nothing_to_add(whole: Any) -> bool:
    opted = os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").replace(" ", "").split(",")
    return (
        "http" in opted
        and "http/dup" not in opted
        and not settings.current().http_metrics
        and whole.exclude_receive_span
        and whole.exclude_send_span
        and whole.http_capture_headers_server_request is None
        and whole.http_capture_headers_server_response is None
    )


def _by_name(scope: Scope) -> Headers:
    headers: Headers = {}
    for name, value in scope.get("headers") or ():
        headers.setdefault(name.lower(), []).append(value)
    return headers


def _routes_of(scope: Scope) -> int:
    return len(getattr(scope.get("app"), "routes", ()))


def _text(header: bytes) -> str:
    try:
        return header.decode()
    except ValueError:
        return header.decode("latin-1")


def _hashable(value: Any) -> Any:
    return tuple(cast("list[Any]", value)) if isinstance(value, list) else value


def _client_of(scope: Scope) -> dict[str, Any]:
    host, port = scope.get("client") or (None, None)
    known: dict[str, Any] = {CLIENT_ADDRESS: host} if host else {}
    return {**known, CLIENT_PORT: port} if port else known


def _status_in(message: Message) -> int | None:
    kind = message["type"]
    if kind == "http.response.start":
        return message["status"]
    return 200 if kind == "websocket.send" else None


@guarded
def _tell_trace(message: Message, span: Span) -> None:
    propagator: Any = _responses.get_global_response_propagator()
    if propagator is not None:
        context = trace.set_span_in_context(span, otel_context.Context())
        propagator.inject(message, context=context, setter=_contributed.asgi_setter)


@guarded
def _note_exception(span: Span, exception: Exception) -> None:
    if span.is_recording():
        span.record_exception(exception)
        span.set_status(Status(StatusCode.ERROR, f"{type(exception).__name__}: {exception}"))


@guarded
def _end(span: Span) -> None:
    if span.is_recording():
        span.end()
