"""Our server span is the contributed middleware's in everything that leaves, whatever is asked for."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.propagators import (
    get_global_response_propagator,
    set_global_response_propagator,
)
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from litellm_otel.lean_spans import LeanSpan
from litellm_otel.server_spans import ServerSpans
from litellm_otel.trace_response import TraceResponse
from tests.unit.counted_ids import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HTTP: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/v1/chat/completions",
    "root_path": "",
    "query_string": b"",
    "server": ("127.0.0.1", 4000),
    "client": ("10.0.0.7", 51234),
    "headers": [(b"host", b"proxy:4000"), (b"user-agent", b"curl/8.5"), (b"x-other", b"1")],
}
WEBSOCKET = {**HTTP, "type": "websocket", "scheme": "ws", "path": "/v1/realtime"}
del WEBSOCKET["method"]


def asked(*headers: tuple[bytes, bytes], **changed: Any) -> dict[str, Any]:
    return {**HTTP, **changed, "headers": [*HTTP["headers"], *headers]}


def answered(status: int, *bodies: bytes) -> list[dict[str, Any]]:
    more = [True] * (len(bodies) - 1) + [False]
    return [
        {"type": "http.response.start", "status": status, "headers": [(b"a", b"b")]},
        *(
            {"type": "http.response.body", "body": body, "more_body": left}
            for body, left in zip(bodies, more, strict=True)
        ),
    ]


GOOD = answered(200, b"{}")
SPOKE = [
    {"type": "websocket.accept"},
    {"type": "websocket.send", "text": "a"},
    {"type": "websocket.send", "text": "b"},
]
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], type[Exception] | None]] = {
    "good": (HTTP, GOOD, None),
    "streamed": (HTTP, answered(200, b"a", b"b", b"c"), None),
    "not found": (HTTP, answered(404, b""), None),
    "failed": (HTTP, answered(500, b""), None),
    "raised": (HTTP, [], ValueError),
    "raised in mid-stream": (HTTP, answered(200, b"a", b"b")[:2], ValueError),
    "raised when answered": (HTTP, GOOD, ValueError),
    "of a trace": (asked((b"traceparent", PARENT), (b"tracestate", b"a=b")), GOOD, None),
    "of a trace not sampled": (asked((b"traceparent", PARENT[:-1] + b"0")), GOOD, None),
    "of no good trace": (asked((b"traceparent", b"00-zz-1-01")), GOOD, None),
    "with baggage": (asked((b"baggage", b"a=1,b=2"), (b"Baggage", b"c=3")), GOOD, None),
    "with a query": (asked(query_string=b"key=a%20b&beta=true"), GOOD, None),
    "a crawler": ({**HTTP, "headers": [(b"user-agent", b"googlebot/2")]}, GOOD, None),
    "without headers": ({**HTTP, "headers": []}, GOOD, None),
    "with strange headers": (asked((b"baggage", b"a=\xff\\x41"), (b"X-\xff", b"")), GOOD, None),
    "at a socket file": ({**HTTP, "client": None, "server": ("/run/proxy.sock", None)}, GOOD, None),
    "from no port": ({**HTTP, "client": ("testclient", 0)}, GOOD, None),
    "given as lists": ({**HTTP, "server": ["h", 80], "client": ["1.2.3.4", 5]}, GOOD, None),
    "an unknown method": ({**HTTP, "method": "BREW"}, GOOD, None),
    "left out": ({**HTTP, "path": "/health/liveliness"}, GOOD, None),
    "lifespan": ({"type": "lifespan"}, [{"type": "lifespan.startup.complete"}], None),
    "websocket": (WEBSOCKET, SPOKE, None),
    "websocket raised": (WEBSOCKET, SPOKE, ValueError),
    "websocket refused": (WEBSOCKET, [{"type": "websocket.close", "code": 1008}], None),
}


@pytest.fixture(autouse=True)
def _as_in_the_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    before = get_global_response_propagator()
    set_global_response_propagator(TraceResponse("traceresponse"))
    yield
    set_global_response_propagator(before)


def left(
    middleware: type[Any], case: str, *, within: bool = False, **options: Any
) -> tuple[Any, list[Any], list[Any]]:
    """Spans as they are exported, the answer, and what the application saw of its context."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        id_generator=Counted(), shutdown_on_exit=False, sampler=options.pop("sampler", None)
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    scope, messages, failure = CASES[case]
    sent: list[Any] = []
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        span = trace.get_current_span()
        seen.append((await receive(), span.get_span_context(), dict(baggage.get_all())))
        with provider.get_tracer("below").start_as_current_span("below"):
            for message in messages:
                await send({**message, "headers": list(message.get("headers", ()))})
        if failure is not None:
            raise failure("it broke")

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append((message, len(exporter.get_finished_spans())))

    app = middleware(
        application,
        **{
            "excluded_urls": "/health",
            "default_span_details": lambda scope: (f"named {scope['path']}", {"http.route": "/r"}),
            "exclude_spans": ["receive", "send"],
            "tracer": provider.get_tracer("fastapi", "1"),
            "meter_provider": NoOpMeterProvider(),
            "server_request_hook": lambda span, scope: span.set_attribute("hooked", True),
            **options,
        },
    )
    around = provider.get_tracer("t").start_as_current_span("around") if within else nullcontext()
    with around:
        try:
            asyncio.run(app(dict(scope), receive, send))
        except ValueError as error:
            seen.append(repr(error))
        seen.append(trace.get_current_span().get_span_context())
    return _plain(exporter), sent, seen


def _plain(exporter: InMemorySpanExporter) -> list[Any]:
    """Without times, and without the lines that an exception came through."""
    found: list[Any] = []
    for span in exporter.get_finished_spans():
        request = encode_spans([span])
        [resource] = request.resource_spans
        resource.resource.Clear()
        encoded = resource.scope_spans[0].spans[0]
        encoded.start_time_unix_nano = encoded.end_time_unix_nano = 0
        encoded.attributes.sort(key=lambda item: item.key)
        for event in encoded.events:
            event.time_unix_nano = 0
            kept = [item for item in event.attributes if item.key != "exception.stacktrace"]
            del event.attributes[:]
            event.attributes.extend(kept)
        found.append(request)
    return found


@pytest.mark.parametrize("within", [False, True], ids=["alone", "within"])
@pytest.mark.parametrize("case", CASES)
def test_equal_to_the_contributed(case: str, *, within: bool) -> None:
    assert left(ServerSpans, case, within=within) == left(
        OpenTelemetryMiddleware, case, within=within
    )


@pytest.mark.parametrize("case", ["good", "of a trace", "with a query", "from no port"])
def test_asked_again_it_is_the_same(case: str) -> None:
    """What is remembered of the first request is not that request's client."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    scope, messages, _ = CASES[case]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert isinstance(trace.get_current_span(), LeanSpan)
        for message in messages:
            await send(message)

    async def nothing(*_: Any) -> Any: ...

    app = ServerSpans(
        application, exclude_spans=["receive", "send"], tracer=provider.get_tracer("fastapi")
    )
    others = {**scope, "client": ("10.9.9.9", 1)}
    for given in (scope, others, scope):
        asyncio.run(app(dict(given), nothing, nothing))
    first, other, again = (dict(span.attributes or {}) for span in exporter.get_finished_spans())
    assert first == again
    assert other == {**first, "client.address": "10.9.9.9", "client.port": 1}


@pytest.mark.parametrize("case", ["good", "of a trace", "of a trace not sampled"])
def test_what_is_not_sampled(case: str) -> None:
    sampler = TraceIdRatioBased(0)
    spans, sent, seen = left(ServerSpans, case, sampler=sampler)
    assert (spans, sent, seen) == left(OpenTelemetryMiddleware, case, sampler=sampler)
    assert spans == []


@pytest.mark.parametrize(
    "options",
    [
        {"exclude_spans": None},
        {"http_capture_headers_server_request": ["x-other"]},
        {"http_capture_headers_server_response": ["a"]},
    ],
    ids=str,
)
def test_who_asks_for_more_gets_it(options: dict[str, Any]) -> None:
    spans, sent, seen = left(ServerSpans, "good", **options)
    assert (spans, sent, seen) == left(OpenTelemetryMiddleware, "good", **options)
    assert spans != left(ServerSpans, "good")[0]


def test_what_breaks_in_it_leaves_the_call_alone(caplog: pytest.LogCaptureFixture) -> None:
    def breaking(_: Any) -> Any:
        raise KeyError("a route")

    spans, sent, _ = left(ServerSpans, "good", default_span_details=breaking)
    assert len(spans) == 1  # the application's own
    assert [message["type"] for message, _ in sent] == ["http.response.start", "http.response.body"]
    assert "the call is not affected" in caplog.text


@pytest.mark.parametrize(("added", "name"), [(True, "POST /late"), (False, "POST")])
def test_a_route_that_is_added_when_first_asked_for(*, added: bool, name: str) -> None:
    """The contributed middleware looks only when the request comes."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    routes: list[str] = []
    looked = 0

    def details(_: Any) -> tuple[str, dict[str, str]]:
        nonlocal looked
        looked += 1
        return (f"POST {routes[0]}", {"http.route": routes[0]}) if routes else ("POST", {})

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if added:
            routes.append("/late")
        for message in answered(404, b"{}"):
            await send(message)

    async def nobody(*_: Any) -> None: ...

    spans = ServerSpans(
        application,
        default_span_details=details,
        exclude_spans=["receive", "send"],
        tracer=provider.get_tracer("fastapi", "1"),
    )
    asyncio.run(spans({**HTTP, "app": SimpleNamespace(routes=routes)}, nobody, nobody))
    (span,) = exporter.get_finished_spans()
    assert span.name == name
    assert (span.attributes or {}).get("http.route") == ("/late" if added else None)
    assert looked == 1 + added
