"""Server spans of a real FastAPI application: no secrets of exceptions; the trace told to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation import propagators
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.responses import StreamingResponse

from litellm_otel import instrumentations, trace_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KEY = "sk-planted-0123456789abcdef"
EARLIER = "Bearer planted-earlier-0123456789"


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/breaks")
    async def breaks() -> None:
        try:
            raise KeyError(EARLIER)
        except KeyError as error:
            raise ValueError(f"could not call with api_key={KEY}") from error

    @app.get("/streams")
    async def streams() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            yield b"second"

        return StreamingResponse(chunks())

    return app


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def app(exported: InMemorySpanExporter) -> Iterator[FastAPI]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    made = application()
    options: dict[str, Any] = instrumentations._fastapi_options()
    FastAPIInstrumentor.instrument_app(made, tracer_provider=provider, **options)
    yield made
    FastAPIInstrumentor.uninstrument_app(made)


@pytest.fixture(autouse=True)
def no_propagator() -> Iterator[None]:
    before = propagators.get_global_response_propagator()
    propagators.set_global_response_propagator(None)
    yield
    propagators.set_global_response_propagator(before)


async def get(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
        return await client.get(path)


async def test_an_exception_is_recorded_once_and_without_its_secrets(
    app: FastAPI, exported: InMemorySpanExporter
) -> None:
    assert (await get(app, "/breaks")).status_code == 500
    (span,) = exported.get_finished_spans()
    (event,) = span.events
    told = dict(event.attributes or {})
    assert told["exception.type"] == "ValueError"
    assert str(told["exception.message"]).startswith("could not call with api_key=")
    assert "in breaks" in str(told["exception.stacktrace"])
    assert span.status.status_code is StatusCode.ERROR
    everything = span.to_json()
    assert KEY not in everything
    assert EARLIER not in everything


@pytest.mark.parametrize("path", ["/streams", "/breaks", "/no-such-path"])
async def test_the_trace_is_told_on_every_answer(
    app: FastAPI, exported: InMemorySpanExporter, path: str
) -> None:
    trace_response.install(trace_response.STANDARD)
    answer = await get(app, path)
    (span,) = exported.get_finished_spans()
    version, trace_id, span_id, flags = answer.headers["traceresponse"].split("-")
    assert (version, int(trace_id, 16), int(span_id, 16)) == (
        "00",
        span.context.trace_id,
        span.context.span_id,
    )
    assert int(flags, 16) & 1
    assert answer.headers["access-control-expose-headers"] == "traceresponse"


async def test_by_another_name_it_is_the_bare_id(
    app: FastAPI, exported: InMemorySpanExporter
) -> None:
    trace_response.install("x-trace-id")
    answer = await get(app, "/streams")
    (span,) = exported.get_finished_spans()
    assert answer.headers["x-trace-id"] == f"{span.context.trace_id:032x}"
    assert "traceresponse" not in answer.headers


async def test_none_is_none(app: FastAPI, exported: InMemorySpanExporter) -> None:
    trace_response.install(trace_response.NONE)
    assert "traceresponse" not in (await get(app, "/streams")).headers
    assert exported.get_finished_spans()


async def test_who_has_chosen_a_propagator_keeps_it(app: FastAPI) -> None:
    class Own(propagators.ResponsePropagator):
        def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
            setter.set(carrier, "x-own", "1")

    propagators.set_global_response_propagator(Own())
    trace_response.install(trace_response.STANDARD)
    answer = await get(app, "/streams")
    assert answer.headers["x-own"] == "1"
    assert "traceresponse" not in answer.headers
