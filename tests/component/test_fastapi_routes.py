"""Server spans are named as without the memory for routes, on real FastAPI applications."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.testclient import TestClient
from opentelemetry.instrumentation import fastapi as instrumentation
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.routing import Route

from litellm_otel import fastapi_routes
from litellm_otel.fastapi_routes import LOOKUP, REMEMBERED, RememberedRoutes


class Counted:
    """The instrumentation's own lookup, counting its calls."""

    def __init__(self, lookup: Any) -> None:
        self.calls = 0
        self._lookup = lookup

    def __call__(self, scope: Any) -> Any:
        self.calls += 1
        return self._lookup(scope)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    counted = Counted(getattr(instrumentation, LOOKUP))
    monkeypatch.setattr(instrumentation, LOOKUP, counted)
    fastapi_routes.install(instrumentation)
    return counted


def application() -> FastAPI:
    app = FastAPI()

    @app.post("/v1/chat/completions")
    @app.post("/chat/completions")
    async def chat() -> dict[str, str]:
        return {}

    @app.get("/v1/files/{file_id}")
    async def file(file_id: str) -> dict[str, str]:
        return {}

    router = APIRouter(prefix="/nested")

    @router.get("/{name:path}")
    async def nested(name: str) -> dict[str, str]:
        return {}

    @router.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    app.include_router(router)
    below = FastAPI()

    @below.get("/inner")
    async def inner() -> dict[str, str]:
        return {}

    app.mount("/mounted", below)
    return app


REQUESTS = (
    ("POST", "/v1/chat/completions"),
    ("POST", "/chat/completions"),
    ("GET", "/v1/chat/completions"),
    ("BREW", "/v1/chat/completions"),
    ("GET", "/v1/files/one"),
    ("GET", "/v1/files/two?x=1"),
    ("GET", "/nested/a/b"),
    ("GET", "/mounted/inner"),
    ("GET", "/mounted/none"),
    ("POST", "/v1/messages"),
    ("GET", "/"),
)


class Served:
    """An instrumented application, and the server spans of the requests to it."""

    def __init__(self, app: FastAPI) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=provider, exclude_spans=["receive", "send"]
        )
        self.app = app
        self.client = TestClient(app)

    def ask(self, method: str, path: str) -> httpx.Response:
        return self.client.request(method, path)

    @property
    def told(self) -> list[tuple[str, Any]]:
        return [
            (span.name, (span.attributes or {}).get("http.route"))
            for span in self._kept.get_finished_spans()
        ]


def test_names_and_routes_are_those_of_the_instrumentation(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembering = Served(application())
    for method, path in REQUESTS * 3:
        remembering.ask(method, path)
    with remembering.client.websocket_connect("/nested/talk"):
        pass
    monkeypatch.setattr(instrumentation, LOOKUP, counted._lookup)
    plain = Served(application())
    for method, path in REQUESTS * 3:
        plain.ask(method, path)
    with plain.client.websocket_connect("/nested/talk"):
        pass
    assert remembering.told == plain.told
    assert remembering.told[0] == ("POST /v1/chat/completions", "/v1/chat/completions")
    assert remembering.told[9] == ("POST", None)


def test_a_path_is_looked_up_once(counted: Counted) -> None:
    served = Served(application())
    for _ in range(5):
        served.ask("POST", "/v1/chat/completions")
    assert counted.calls == 1


def test_a_route_that_comes_late_is_found(counted: Counted) -> None:
    served = Served(application())
    served.ask("POST", "/v1/messages")

    async def messages(_: Any) -> Any:
        raise NotImplementedError

    # At the same number of routes, and then at another.
    served.app.router.routes[-1] = Route("/v1/messages", messages, methods=["POST"])
    with pytest.raises(NotImplementedError):
        served.ask("POST", "/v1/messages")
    assert served.told[-1] == ("POST /v1/messages", "/v1/messages")
    served.ask("PUT", "/v1/messages")
    assert served.told[-1] == ("PUT /v1/messages", "/v1/messages")
    served.app.router.routes.insert(0, Route("/v1/{any}", messages, methods=["PUT"]))
    with pytest.raises(NotImplementedError):
        served.ask("PUT", "/v1/messages")
    assert served.told[-1] == ("PUT /v1/{any}", "/v1/{any}")


def test_what_is_remembered_is_bounded(counted: Counted) -> None:
    app = application()
    lookup: RememberedRoutes = getattr(instrumentation, LOOKUP)
    for number in range(REMEMBERED * 2 + 10):
        scope = {"type": "http", "app": app, "method": "GET", "path": f"/v1/files/{number}"}
        assert lookup(scope) == ("GET /v1/files/{file_id}", {"http.route": "/v1/files/{file_id}"})
        assert len(lookup._known[app]) <= REMEMBERED
    for number in range(50):
        scope = {"type": "http", "app": app, "method": "GET", "path": f"/none/{number}"}
        lookup(scope)
    assert not any("none" in key[3] for key in lookup._known[app])


def test_applications_are_not_kept_alive(counted: Counted) -> None:
    app = application()
    lookup: RememberedRoutes = getattr(instrumentation, LOOKUP)
    lookup({"type": "http", "app": app, "method": "POST", "path": "/v1/chat/completions"})
    assert len(lookup._known) == 1
    del app
    gc.collect()
    assert len(lookup._known) == 0


def test_each_application_has_its_own_routes(counted: Counted) -> None:
    first, second = Served(application()), Served(FastAPI(docs_url="/chat/completions"))
    first.ask("POST", "/chat/completions")
    second.ask("POST", "/chat/completions")
    assert second.told == [("POST /chat/completions", "/chat/completions")]
    assert counted.calls == 2


def test_an_answer_is_the_callers_own(counted: Counted) -> None:
    app = application()
    lookup: RememberedRoutes = getattr(instrumentation, LOOKUP)
    scope = {"type": "http", "app": app, "method": "POST", "path": "/v1/chat/completions"}
    lookup(scope)[1]["mine"] = "x"
    assert lookup(scope)[1] == {"http.route": "/v1/chat/completions"}


def test_routes_chosen_by_headers_are_looked_up_each_time() -> None:
    hosts = iter(("one.example", "two.example"))
    lookup = RememberedRoutes(lambda _: ("GET", {"http.route": next(hosts)}))
    app = FastAPI()
    app.host("one.example", FastAPI())
    scope = {"type": "http", "app": app, "method": "GET", "path": "/same"}
    assert lookup(scope) == ("GET", {"http.route": "one.example"})
    assert lookup(scope) == ("GET", {"http.route": "two.example"})


def test_an_instrumentation_without_the_lookup_is_left_as_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = ModuleType("other")
    with caplog.at_level(logging.DEBUG, "litellm_otel"):
        fastapi_routes.install(other)
    assert not hasattr(other, LOOKUP)
    told = [record for record in caplog.records if record.name.startswith("litellm_otel")]
    assert len(told) == 1


def test_it_is_put_in_once(counted: Counted) -> None:
    once = getattr(instrumentation, LOOKUP)
    fastapi_routes.install(instrumentation)
    assert getattr(instrumentation, LOOKUP) is once
