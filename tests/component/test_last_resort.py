"""An exception that an application's last resort answers, in a real FastAPI application: what is told of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from litellm_otel.emit.spans import Spans
from litellm_otel.hooks import last_resort, proxy
from litellm_otel.hooks.last_resort import LastResort
from litellm_otel.hooks.proxy import RequestMiddleware
from litellm_otel.model import Outcome
from litellm_otel.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litellm_otel.model import Request as Record

PATH = "/v1/chat/completions"
DATABASE, BUG, BROKEN = "database", "bug", "breaks its handler"


class Unavailable(Exception):
    """What the application's handler knows better than 500."""


class Site:
    """An application as the proxy's is, and what is told of its requests."""

    def __init__(self) -> None:
        self.exported = InMemorySpanExporter()
        self.ended: list[Record] = []
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exported))
        spans = Spans(self.provider.get_tracer("test"))
        ended = self.ended

        class Emitter:
            request_started = staticmethod(spans.request_started)

            def request_ended(self, request: Record) -> None:
                spans.request_ended(request)
                ended.append(request)

            def request_settled(self, request: Record) -> None: ...

        emitter: Any = Emitter()
        self.recorder = Recorder(emitter)
        self.app = FastAPI()
        self.app.post(PATH)(self._answer)

    async def _answer(self, request: Request) -> None:
        what = (await request.body()).decode()
        raise Unavailable(what) if what == DATABASE else RuntimeError(what)

    async def handler(self, request: Request, exc: Exception) -> JSONResponse:
        if str(exc) == BROKEN:
            raise ValueError("not even this")
        return JSONResponse({}, 503 if isinstance(exc, Unavailable) else 500)

    def hook(self) -> None:
        """As the hook of the proxy's app does."""
        watched = LastResort(self.recorder)
        self.app.add_middleware(RequestMiddleware, recorder=self.recorder, last_resort=watched)
        watched.watch(self.app)
        FastAPIInstrumentor.instrument_app(
            self.app, tracer_provider=self.provider, exclude_spans=["receive", "send"]
        )

    async def ask(self, what: str) -> int:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
            return (await client.post(PATH, content=what)).status_code

    def server(self) -> dict[str, Any]:
        (span,) = self.exported.get_finished_spans()
        assert span.parent is None
        return dict(span.attributes or {})


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(proxy, "asks_a_provider", lambda *_: True)
    made = Site()
    yield made
    FastAPIInstrumentor.uninstrument_app(made.app)


@pytest.mark.parametrize(("what", "status"), [(DATABASE, 503), (BUG, 500), (BROKEN, 500)])
async def test_what_the_client_gets_is_what_is_told(site: Site, what: str, status: int) -> None:
    site.app.add_exception_handler(Exception, site.handler)
    site.hook()
    assert await site.ask(what) == status
    (request,) = site.ended
    assert (request.status_code, request.outcome) == (status, Outcome.ERROR)
    assert request.failure is not None
    assert request.failure.message == what
    told = site.server()
    assert told["litellm.outcome"] == Outcome.ERROR
    if what != BROKEN:  # then it is answered above the span
        assert told.get("http.response.status_code", told.get("http.status_code")) == status
    assert site.recorder.in_flight == 0
    assert site.recorder.current_request() is None


async def test_each_of_many_at_once_is_told_its_own(site: Site) -> None:
    site.app.add_exception_handler(Exception, site.handler)
    site.hook()
    asked = [DATABASE, BUG] * 8
    answers = await asyncio.gather(*(site.ask(what) for what in asked))
    assert answers == [503, 500] * 8
    told = [(r.failure.message, r.status_code) for r in site.ended if r.failure is not None]
    assert sorted(told) == sorted(zip(asked, answers, strict=True))


async def test_without_a_handler_it_is_the_frameworks_500(site: Site) -> None:
    site.hook()
    assert await site.ask(DATABASE) == 500
    assert [request.status_code for request in site.ended] == [500]
    assert site.server()["litellm.outcome"] == Outcome.ERROR


async def test_a_handler_that_comes_later_is_not_waited_for(site: Site) -> None:
    site.app.add_exception_handler(Exception, site.handler)
    site.hook()

    async def another(request: Request, exc: Exception) -> JSONResponse:
        return JSONResponse({}, 500)

    site.app.add_exception_handler(Exception, another)
    assert await site.ask(DATABASE) == 500
    assert [request.status_code for request in site.ended] == [500]


async def test_a_request_that_never_gets_there_ends_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_resort, "PATIENCE", 600.0)  # until it is flushed
    site.app.add_exception_handler(Exception, site.handler)
    site.hook()

    class Swallows:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            try:
                await self.app(scope, receive, send)
            except Unavailable:
                await JSONResponse({}, 500)(scope, receive, send)

    site.app.add_middleware(Swallows)
    assert await site.ask(DATABASE) == 500
    answered = time.time_ns()
    assert site.ended == []
    site.recorder.flush()
    (request,) = site.ended
    assert (request.status_code, request.outcome) == (500, Outcome.ERROR)
    assert request.end_ns < answered
    assert site.recorder.in_flight == 0
