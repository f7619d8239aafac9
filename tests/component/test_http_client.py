"""Spans and trace context of real aiohttp and httpx requests to a real server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.utils import (
    suppress_http_instrumentation,
    suppress_instrumentation,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from litellm_otel import http_client, settings
from litellm_otel.child_spans import ChildSpans
from litellm_otel.http_client import HttpClientSpans

SECRET = "s3cr3t-pl4nted-v4lue"


class Traced:
    """A tracer provider, what it made, and our instrumentation with it."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler)
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = self.provider.get_tracer("test")
        self.http = HttpClientSpans(self.provider)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans below the test's own."""
        return [span for span in self._kept.get_finished_spans() if span.name != "call"]

    @property
    def span(self) -> ReadableSpan:
        [span] = self.spans
        return span

    def call(self) -> Any:
        return self.tracer.start_as_current_span("call")


@pytest.fixture
def traced() -> Iterator[Traced]:
    traced = Traced()
    traced.http.install()
    yield traced
    traced.http.remove()


class Upstream:
    """A server that remembers the headers it was sent, and answers with the status in the path."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.asked = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append({name.lower(): value for name, value in request.headers.items()})
        self.asked.set()
        if request.path == "/slow":
            await asyncio.sleep(30)
        if request.path == "/moved":
            raise web.HTTPFound("/status/200")
        return web.Response(status=int(request.path.rpartition("/")[2] or 200), text="hello")


@asynccontextmanager
async def serving(upstream: Upstream) -> AsyncIterator[Upstream]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", upstream.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield upstream
    finally:
        await runner.cleanup()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(Upstream()) as started:
        yield started


async def ask(url: str, method: str = "POST", **options: Any) -> int:
    async with aiohttp.ClientSession() as session, session.request(method, url, **options) as got:
        await got.read()
        return got.status


async def test_a_request_below_a_call_has_a_span_and_carries_its_context(
    traced: Traced, upstream: Upstream
) -> None:
    with traced.call() as call:
        await ask(f"{upstream.url}/status/200", json={"a": 1})
    span = traced.span
    assert (span.name, span.kind, span.status.status_code) == (
        "POST",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    assert span.parent == call.get_span_context()
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "url.full": f"{upstream.url}/status/200",
        "server.address": "127.0.0.1",
        "server.port": int(upstream.url.rpartition(":")[2]),
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    context = span.context
    assert context is not None
    assert upstream.seen[0]["traceparent"] == (
        f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
        f"-{context.trace_flags:02x}"
    )


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/status/200"), ("get", "/status/404"), ("PURGE", "/status/503")]
)
async def test_contributed_instrumentation_says_the_same(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    told: list[ReadableSpan] = []
    for instrument in ("ours", "contributed"):
        traced = Traced()
        contributed = AioHttpClientInstrumentor()
        if instrument == "ours":
            traced.http.install()
        else:
            contributed.instrument(tracer_provider=traced.provider)
        try:
            with traced.call():
                await ask(upstream.url + path, method, params={"alt": "sse"})
        finally:
            traced.http.remove() if instrument == "ours" else contributed.uninstrument()
        told.append(traced.span)
    ours, theirs = told
    attributes = dict(ours.attributes or {})
    assert attributes.pop("network.protocol.version")
    assert attributes == dict(theirs.attributes or {})
    assert (ours.name, ours.kind) == (theirs.name, theirs.kind)
    assert ours.status.status_code == theirs.status.status_code
    assert upstream.seen[0].keys() == upstream.seen[1].keys()


async def test_without_a_call_nothing_is_traced_or_sent(traced: Traced, upstream: Upstream) -> None:
    assert await ask(upstream.url) == 200
    assert traced.spans == []
    assert "traceparent" not in upstream.seen[0]


@pytest.mark.parametrize("suppress", [suppress_http_instrumentation, suppress_instrumentation])
async def test_suppressed_requests_are_left_alone(
    traced: Traced, upstream: Upstream, suppress: Any
) -> None:
    with traced.call(), suppress():
        await ask(upstream.url)
    assert traced.spans == []
    assert "traceparent" not in upstream.seen[0]


async def test_excluded_urls_are_left_alone(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", "/status/20")
    traced = Traced()
    traced.http.install()
    try:
        with traced.call():
            await ask(f"{upstream.url}/status/200")
            await ask(f"{upstream.url}/status/404")
    finally:
        traced.http.remove()
    assert (traced.span.attributes or {})["http.response.status_code"] == 404


async def test_a_call_that_is_not_sampled_is_passed_on_as_such(upstream: Upstream) -> None:
    traced = Traced(ALWAYS_OFF)
    traced.http.install()
    try:
        with traced.call() as call:
            await ask(upstream.url)
    finally:
        traced.http.remove()
    assert traced.spans == []
    trace_id = trace.format_trace_id(call.get_span_context().trace_id)
    _, sent_trace_id, _, flags = upstream.seen[0]["traceparent"].split("-")
    assert sent_trace_id == trace_id
    assert not int(flags, 16) & trace.TraceFlags.SAMPLED


@pytest.mark.parametrize("wanted", [False, True])
async def test_baggage_goes_to_providers_only_when_asked_for(
    traced: Traced, upstream: Upstream, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "_current", settings.Settings(baggage_to_providers=wanted))
    token = otel_context.attach(baggage.set_baggage("tenant", "7"))
    try:
        with traced.call():
            await ask(upstream.url)
    finally:
        otel_context.detach(token)
    assert upstream.seen[0].get("baggage") == ("tenant=7" if wanted else None)
    assert "traceparent" in upstream.seen[0]


async def test_the_configured_propagator_is_used(traced: Traced, upstream: Upstream) -> None:
    class Own(propagate.textmap.TextMapPropagator):
        fields = {"x-own"}

        def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
            return context

        def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
            span_id = trace.get_current_span(context).get_span_context().span_id
            carrier["x-own"] = trace.format_span_id(span_id)

    before = propagate.get_global_textmap()
    propagate.set_global_textmap(Own())
    try:
        with traced.call():
            await ask(upstream.url)
    finally:
        propagate.set_global_textmap(before)
    context = traced.spans[-1].context
    assert context is not None
    assert upstream.seen[0]["x-own"] == trace.format_span_id(context.span_id)
    assert "traceparent" not in upstream.seen[0]


async def test_an_error_status_is_an_error(traced: Traced, upstream: Upstream) -> None:
    with traced.call():
        await ask(f"{upstream.url}/status/429")
    assert (traced.span.attributes or {})["error.type"] == "429"
    assert traced.span.status.status_code == StatusCode.ERROR


async def test_exceptions_reach_the_caller_and_leave_only_their_type(
    traced: Traced, upstream: Upstream
) -> None:
    with traced.call(), pytest.raises(ValueError, match="header"):
        await ask(upstream.url, headers={"authorization": f"Bearer {SECRET}\n"})
    with traced.call(), pytest.raises(aiohttp.ClientConnectorError):
        await ask("http://127.0.0.1:9/")
    told = [(span.attributes or {})["error.type"] for span in traced.spans]
    assert told == ["ValueError", "ClientConnectorError"]
    assert all(span.status.status_code == StatusCode.ERROR for span in traced.spans)
    assert not any(span.events or span.status.description for span in traced.spans)
    assert SECRET not in "".join(span.to_json() for span in traced.spans)


async def test_a_cancelled_request_ends_its_span(traced: Traced, upstream: Upstream) -> None:
    with traced.call():
        asking = asyncio.ensure_future(ask(f"{upstream.url}/slow"))
        await asyncio.wait_for(upstream.asked.wait(), 60)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert (traced.span.attributes or {})["error.type"] == "CancelledError"


async def test_redirects_are_one_request(traced: Traced, upstream: Upstream) -> None:
    with traced.call():
        assert await ask(f"{upstream.url}/moved", "GET") == 200
    assert (traced.span.attributes or {})["url.full"] == f"{upstream.url}/moved"
    assert upstream.seen[0]["traceparent"] == upstream.seen[1]["traceparent"]


async def test_secrets_in_the_url_stay_here(traced: Traced, upstream: Upstream) -> None:
    url = upstream.url.replace("//", f"//user:{SECRET}@") + "/status/200"
    with traced.call():
        await ask(url, params={"key": SECRET, "alt": "sse"})
    shown = (traced.span.attributes or {})["url.full"]
    host = upstream.url.partition("//")[2]
    assert shown == f"http://REDACTED:REDACTED@{host}/status/200?key=REDACTED&alt=sse"
    assert SECRET not in traced.span.to_json()


async def test_trace_configurations_of_the_application_stay(
    traced: Traced, upstream: Upstream
) -> None:
    seen: list[str] = []
    config = aiohttp.TraceConfig()

    async def started(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
        seen.append(params.method)

    config.on_request_start.append(started)
    given = [config]
    async with aiohttp.ClientSession(trace_configs=given) as session:
        with traced.call():
            async with session.get(upstream.url):
                pass
    assert seen == ["GET"]
    assert given == [config]
    assert len(traced.spans) == 1


async def test_what_breaks_in_it_does_not_break_the_request(
    traced: Traced, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(traced.http._tracer, "start_span", broken)
    with traced.call():
        assert await ask(upstream.url) == 200


async def test_removed_it_is_gone_from_old_and_new_sessions(upstream: Upstream) -> None:
    original = aiohttp.ClientSession.__init__
    traced = Traced()
    traced.http.install()
    async with aiohttp.ClientSession() as old:
        traced.http.remove()
        assert aiohttp.ClientSession.__init__ is original
        with traced.call():
            async with old.get(upstream.url):
                pass
            await ask(upstream.url)
    assert traced.spans == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, True),
        ({"OTEL_SEMCONV_STABILITY_OPT_IN": "database, http"}, True),
        ({"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}, False),
        ({"OTEL_SEMCONV_STABILITY_OPT_IN": ""}, False),
        ({"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-.*"}, False),
        ({"LITELLM_OTEL_HTTP_METRICS": "true"}, False),
    ],
)
def test_the_contributed_one_is_used_for_what_only_it_can(
    environ: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(settings, "_current", settings.load(environ)[0])
    assert http_client.suffices() is expected


@pytest.fixture
def httpx_traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traced]:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    traced = Traced()
    contributed = HTTPXClientInstrumentor()
    contributed.instrument(tracer_provider=ChildSpans(traced.provider))
    yield traced
    contributed.uninstrument()


async def test_httpx_requests_have_spans_below_calls_only(
    httpx_traced: Traced, upstream: Upstream
) -> None:
    url = f"{upstream.url}/status/200?key={SECRET}"
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).status_code == 200
        with httpx_traced.call() as call:
            assert (await client.get(url)).status_code == 200
    span = httpx_traced.span
    assert span.parent == call.get_span_context()
    assert (span.attributes or {})["url.full"] == f"{upstream.url}/status/200?key=REDACTED"
    assert "traceparent" not in upstream.seen[0]
    context = span.context
    assert context is not None
    assert trace.format_span_id(context.span_id) in upstream.seen[1]["traceparent"]


def test_httpx_exceptions_leave_only_their_type(httpx_traced: Traced) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        httpx.Client() as client,
        httpx_traced.call(),
    ):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(httpx.LocalProtocolError, match=SECRET):
            client.get(url, headers={"authorization": f"Bearer {SECRET}\n"})
    span = httpx_traced.span
    assert (span.attributes or {})["error.type"] == "LocalProtocolError"
    assert span.status.status_code == StatusCode.ERROR
    assert SECRET not in span.to_json()
