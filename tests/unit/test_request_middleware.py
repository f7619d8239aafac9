"""The proxy's middleware under several kinds of servers: it changes nothing that app or client see."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from litellm_otel.hooks import proxy
from litellm_otel.hooks.proxy import RequestMiddleware
from litellm_otel.model import Outcome, Request
from litellm_otel.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY = {"type": "http.request", "body": b"{}", "more_body": False}
GONE = {"type": "http.disconnect"}
START = {"type": "http.response.start", "status": 200, "headers": [(b"x-litellm-call-id", b"c-1")]}


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    monkeypatch.setattr(proxy, "asks_a_provider", lambda *_: True)
    monkeypatch.setattr(proxy, "says_more_than_it_asks", lambda *_: False)
    return []


def recorder_into(ended: list[Request]) -> Recorder:
    def nothing(*_: Any) -> None: ...

    class Emitter:
        def __getattr__(self, name: str) -> Any:
            return ended.append if name == "request_ended" else nothing

    emitter: Any = Emitter()
    return Recorder(emitter)


class Server:
    """Hands messages out of a queue, as some servers do: what is taken is gone."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[Any] = []
        for message in messages:
            self.incoming.put_nowait(message)

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self, app: Callable[..., Awaitable[None]], ended: list[Request]) -> None:
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions"}
        middleware = RequestMiddleware(app, recorder_into(ended))
        await middleware(scope, self.receive, self.send)


async def answers(_: Any, receive: Any, send: Any) -> None:
    await receive()
    await send(dict(START))
    await send({"type": "http.response.body", "body": b"answer"})


async def test_it_ends_with_the_last_byte_and_before_that_leaves(ended: list[Request]) -> None:
    server = Server(BODY)
    order: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(dict(START))
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        order.append(f"{len(ended)} ended")
        await send({"type": "http.response.body", "body": b""})
        order.append(f"{len(ended)} ended")

    await server.run(app, ended)
    assert order == ["0 ended", "1 ended"]
    assert (ended[0].outcome, ended[0].call_id) == (Outcome.COMPLETED, "c-1")
    assert len(ended) == 1
    assert len(server.sent) == 3


async def test_a_client_that_left_before_the_answer(ended: list[Request]) -> None:
    server = Server(BODY, GONE)
    later: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answers(scope, receive, send)
        later.append(await receive())

    await server.run(app, ended)
    assert ended[0].outcome == Outcome.CLIENT_DISCONNECTED
    assert later == [GONE], "what the middleware looked at is still the app's"
    assert len(server.sent) == 2


async def test_a_client_that_leaves_with_its_answer(ended: list[Request]) -> None:
    server = Server(BODY)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answers(scope, receive, send)
        server.incoming.put_nowait(GONE)
        assert await receive() == GONE

    await server.run(app, ended)
    assert ended[0].outcome == Outcome.COMPLETED
    assert not ended[0].disconnected


async def test_a_body_that_was_not_read_is_left_alone(ended: list[Request]) -> None:
    server = Server(BODY)

    async def app(_: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 401})
        await send({"type": "http.response.body", "body": b"no"})
        assert await receive() == BODY

    await server.run(app, ended)
    assert ended[0].outcome == Outcome.REJECTED


async def test_a_server_whose_receive_is_no_coroutine(ended: list[Request]) -> None:
    server = Server(BODY)
    waiting: list[Any] = []

    def receive() -> Any:
        waiting.append(asyncio.ensure_future(server.incoming.get()))
        return waiting[-1]

    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions"}
    await RequestMiddleware(answers, recorder_into(ended))(scope, receive, server.send)
    assert ended[0].outcome == Outcome.COMPLETED
    for future in waiting:
        future.cancel()


async def test_what_the_app_raises_is_the_servers_to_answer(ended: list[Request]) -> None:
    async def app(_: Any, receive: Any, send: Any) -> None:
        await receive()
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await Server(BODY).run(app, ended)
    (request,) = ended
    assert (request.outcome, request.status_code) == (Outcome.ERROR, 500)
    assert request.failure is not None
    assert request.failure.type == "RuntimeError"


async def test_a_hook_that_breaks_does_not_break_the_answer(
    ended: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("telemetry is broken")

    monkeypatch.setattr(proxy, "inspect", SimpleNamespace(iscoroutine=broken))
    monkeypatch.setattr(Recorder, "end_request", broken)
    server = Server(BODY)
    await server.run(answers, ended)
    assert len(server.sent) == 2
