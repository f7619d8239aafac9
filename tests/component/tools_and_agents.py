"""An MCP server with tools, and an A2A agent, for LiteLLM to call: the protocols' own servers, in a thread."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.component.proxy_process import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator


def tools() -> Any:
    """The MCP server's app."""
    server = MCPServer("calculator")

    @server.tool()
    def add(first: int, second: int) -> int:
        """Add two numbers."""
        return first + second

    @server.tool()
    def fail(reason: str) -> str:
        """Always fails."""
        raise ValueError(reason)

    return server.streamable_http_app()


@contextmanager
def served(app: Any) -> Generator[str]:
    """The app's address, while it is served."""
    port = free_port()
    settings = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "not started in time"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def agent() -> Any:
    """An agent's app, as version 0.3 of the A2A protocol has it. Told "fail", it fails."""

    async def card(request: Request) -> JSONResponse:
        about = {"protocolVersion": "0.3.0", "name": "helper", "description": "", "version": "1"}
        skill = {"id": "help", "name": "help", "description": "", "tags": []}
        return JSONResponse(
            {
                **about,
                "url": str(request.base_url),
                "preferredTransport": "JSONRPC",
                "capabilities": {"streaming": True},
                "defaultInputModes": ["text"],
                "defaultOutputModes": ["text"],
                "skills": [skill],
            }
        )

    def said(asked: dict[str, Any], text: str) -> dict[str, Any]:
        message = {
            "kind": "message",
            "role": "agent",
            "messageId": "answer",
            "parts": [{"kind": "text", "text": text}],
        }
        return {"jsonrpc": "2.0", "id": asked["id"], "result": message}

    async def call(request: Request) -> Response:
        asked = await request.json()
        if "fail" in str(asked["params"]):
            error = {"code": -32603, "message": "Internal error"}
            return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "error": error})
        if asked["method"] == "message/send":
            return JSONResponse(said(asked, "word0 word1"))

        async def events() -> AsyncIterator[str]:
            for word in ("word0", "word1"):
                yield f"data: {json.dumps(said(asked, word))}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    paths = ("/.well-known/agent-card.json", "/.well-known/agent.json")
    return Starlette(
        routes=[*(Route(path, card) for path in paths), Route("/", call, methods=["POST"])]
    )
