"""LiteLLM's proxy in this process, no server before it: requests and sessions, made over and over."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from opentelemetry.trace import SpanKind

from tests.component.calls.driven import Driven, Outcome, lasting
from tests.component.proxy_process import KEY
from tests.component.tools_and_agents import registered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
    from pathlib import Path

    from opentelemetry.trace import Tracer

    from stack.standins.provider import Provider

MESSAGES = [{"role": "user", "content": "Say something."}]
_PATIENCE = 60.0
SLOW = "slow-9000ms"


def _config(provider: Provider, tools_url: str, agent_url: str) -> dict[str, Any]:
    def deployment(group: str, model: str, base: str) -> dict[str, Any]:
        params = {"model": model, "api_base": base, "api_key": "sk-proxied", "max_retries": 0}
        return {"model_name": group, "litellm_params": params}

    realtime = "openai/gpt-4o-realtime-preview"
    return {
        "model_list": [
            deployment("chat", "openai/gpt-4o", provider.base_url()),
            deployment("failing", "openai/gpt-4o@server-error", provider.base_url()),
            deployment("slow", f"openai/gpt-4o@{SLOW}", provider.base_url()),
            deployment("claude", "anthropic/claude-sonnet-4-5", provider.url),
            deployment("talk", realtime, provider.url),
            deployment("talk-broken", f"{realtime}@broken-stream-after-2", provider.url),
        ],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "mcp_servers": {"calc": {"url": f"{tools_url}/mcp", "transport": "http"}},
        "agents": registered(agent_url),
        "assistant_settings": {
            "custom_llm_provider": "openai",
            "litellm_params": {
                "api_base": provider.base_url("none@server-error"),
                "api_key": "sk-proxied",
                "max_retries": 0,
            },
        },
        "general_settings": {
            "master_key": KEY,
            "pass_through_endpoints": [
                {
                    "path": f"/weather{behaviour}",
                    "target": f"{provider.base_url(behaviour)}/chat/completions",
                    "headers": {"Authorization": "Bearer sk-proxied"},
                }
                for behaviour in ("", "none@server-error")
            ]
            + [{"path": "/nobody", "target": "http://127.0.0.1:9/chat/completions"}],
        },
    }


@asynccontextmanager
async def running(
    folder: Path, provider: Provider, tools_url: str, agent_url: str
) -> AsyncGenerator[Any]:
    """The proxy's app, started."""
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(_config(provider, tools_url, agent_url)))
    os.environ["CONFIG_FILE_PATH"] = str(file)
    from litellm.proxy.proxy_server import app

    try:
        async with app.router.lifespan_context(app):
            yield app
    finally:
        del os.environ["CONFIG_FILE_PATH"]


def of_the_proxy(app: Any, tracer: Tracer, provider: Provider) -> Iterator[Driven]:
    """Each request with a span such as the server's instrumentation starts."""
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://proxy",
        timeout=_PATIENCE,
    )

    def asked(name: str, path: str, body: dict[str, Any], key: str = KEY) -> Driven:
        async def make() -> Outcome:
            headers = {"authorization": f"Bearer {key}"}
            with tracer.start_as_current_span(f"POST {path}", kind=SpanKind.SERVER):
                answer = await client.post(path, json=body, headers=headers)
            return answer.status_code, sorted(answer.headers), lasting(answer.text)

        return Driven(f"proxy {name}", f"proxy {name}", make)

    def given_up(
        name: str, make: Callable[[], Awaitable[Outcome]], reached: Callable[[], int]
    ) -> Driven:
        async def cancelled() -> Outcome:
            before, task = reached(), asyncio.ensure_future(make())
            while reached() == before and not task.done():  # noqa: ASYNC110 - of another thread
                await asyncio.sleep(0.01)
            task.cancel()
            try:
                return await task
            except asyncio.CancelledError:
                return ("given up",)

        return Driven(f"proxy {name}", f"proxy {name}", cancelled)

    def session(name: str, path: str, *said: dict[str, Any], key: str = KEY) -> Driven:
        return Driven(f"proxy {name}", f"proxy {name}", lambda: _talked(app, path, key, said))

    chat: dict[str, Any] = {"model": "chat", "messages": MESSAGES}
    passed = {"model": "gpt-4o", "messages": MESSAGES}
    for stream in (False, True):
        about = " streamed" if stream else ""
        yield asked(f"chat{about}", "/v1/chat/completions", {**chat, "stream": stream})
        yield asked(f"pass-through{about}", "/weather", {**passed, "stream": stream})
    yield asked("chat failing", "/v1/chat/completions", {**chat, "model": "failing"})
    yield asked("chat refused", "/v1/chat/completions", chat, key="sk-wrong")
    yield asked("chat unknown", "/v1/chat/completions", {**chat, "model": "unheard-of"})
    yield asked("thread failing", "/v1/threads", {})  # only the web framework answers it
    yield asked("embeddings", "/v1/embeddings", {"model": "chat", "input": "x"})
    yield asked("responses", "/v1/responses", {"model": "chat", "input": "x"})
    yield asked("pass-through failing", "/weathernone@server-error", passed)
    yield asked("pass-through to nobody", "/nobody", passed)
    yield asked("pass-through refused", "/weather", passed, key="sk-wrong")
    for tool, arguments in (("add", {"first": 1, "second": 2}), ("fail", {"reason": "x"})):
        call = {"server_id": "calc", "name": tool, "arguments": arguments}
        yield asked(f"tool {tool}", "/mcp-rest/tools/call", call)
    yield asked("tool of nobody", "/mcp-rest/tools/call", {"server_id": "none", "name": "none"})
    said = {"role": "user", "parts": [{"kind": "text", "text": "help"}], "messageId": "m"}
    for method in ("message/send", "message/stream"):
        yield asked(
            f"agent {method}",
            "/a2a/helper",
            {"jsonrpc": "2.0", "id": "1", "method": method, "params": {"message": said}},
        )
    slow = asked("chat given up", "/v1/chat/completions", {**chat, "model": "slow"})
    yield given_up(
        "chat given up",
        slow.make,
        lambda: sum(call.behaviour == SLOW for call in provider.calls),
    )
    told = list[str]()
    yield given_up(
        "realtime given up",
        lambda: _talked(app, "/v1/realtime?model=talk", KEY, (), told),
        lambda: sum("session.created" in message for message in told),
    )
    ask: dict[str, Any] = {"type": "response.create"}
    spoken = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    item = {"type": "conversation.item.create", "item": spoken}
    yield session("realtime", "/v1/realtime?model=talk", item, ask)
    yield session("realtime broken", "/v1/realtime?model=talk-broken", ask)
    yield session("realtime refused", "/v1/realtime?model=talk", key="sk-wrong")
    yield session(
        "responses session", "/v1/responses?model=claude", {**ask, "model": "claude", "input": "x"}
    )


async def _talked(
    app: Any,
    path: str,
    key: str,
    said: tuple[dict[str, Any], ...],
    into: list[str] | None = None,
) -> Outcome:
    """What a websocket's client is sent, who says all it has to say at once and leaves when answered."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    for event in said:
        incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(event)})
    told = list[str]() if into is None else into

    async def send(message: dict[str, Any]) -> None:
        told.append(lasting(json.dumps(message, default=repr, sort_keys=True)))
        event = json.loads(message.get("text") or "{}").get("type")
        if event in ("response.done", "response.completed"):
            incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})

    route, _, query = path.partition("?")
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": route,
        "raw_path": route.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"proxy"), (b"authorization", f"Bearer {key}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("proxy", 80),
        "subprotocols": [],
        "state": {},
        "extensions": {},
    }
    try:
        await asyncio.wait_for(app(scope, incoming.get, send), _PATIENCE)
    except Exception as error:
        return type(error).__name__, lasting(str(error)), told
    return tuple(told)
