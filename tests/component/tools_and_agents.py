"""An MCP server with tools, and an A2A agent, for LiteLLM to call: the protocols' own servers, in a thread."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from stack.ports import free_port
from stack.waiting import until

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
    # A client that asks again just when an idle connection is closed would find nobody: none is.
    settings = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="error", timeout_keep_alive=3600
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, what="the server", interval=0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def registered(agent_url: str) -> list[dict[str, Any]]:
    """The agent at that address, as ``agents`` of the proxy's configuration."""
    card = {
        "protocolVersion": "0.3.0",
        "name": "helper",
        "description": "helps",
        "version": "1",
        "url": agent_url,
        "capabilities": {"streaming": True},
        "defaultInputModes": ["text"],
        "defaultOutputModes": ["text"],
        "skills": [],
    }
    return [{"agent_name": "helper", "agent_card_params": card}]


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

    def message(text: str) -> dict[str, Any]:
        return {
            "kind": "message",
            "role": "agent",
            "messageId": "answer",
            "parts": [{"kind": "text", "text": text}],
        }

    def update(state: str, text: str) -> dict[str, Any]:
        # Not messages: the first of these is the end of a stream.
        return {
            "kind": "status-update",
            "taskId": "task",
            "contextId": "context",
            "status": {"state": state, "message": message(text)},
            "final": state == "completed",
        }

    def said(asked: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": asked["id"], "result": result}

    async def call(request: Request) -> Response:
        asked = await request.json()
        if "fail" in str(asked["params"]):
            error = {"code": -32603, "message": "Internal error"}
            return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "error": error})
        if asked["method"] == "message/send":
            return JSONResponse(said(asked, message("word0 word1")))

        async def events() -> AsyncIterator[str]:
            for state, word in (("working", "word0"), ("completed", "word1")):
                yield f"data: {json.dumps(said(asked, update(state, word)))}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    paths = ("/.well-known/agent-card.json", "/.well-known/agent.json")
    return Starlette(
        routes=[*(Route(path, card) for path in paths), Route("/", call, methods=["POST"])]
    )
