"""Datadog's agent, as far as ``ddtrace`` talks to it: traces over HTTP, as MessagePack."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import msgpack

if TYPE_CHECKING:
    from types import TracebackType

_INFO = {
    "version": "7.60.0",
    "endpoints": ["/v0.4/traces", "/debugger/v1/diagnostics", "/debugger/v2/input"],
    "client_drop_p0s": False,
}


class Agent:
    """Keeps the spans it is sent, and what it could not read."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self._known: set[tuple[int, int]] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Agent:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/info":
            return 200, _INFO
        if path != "/v0.4/traces":
            return 200, {}  # the tracer's own telemetry, remote configuration and the like
        try:
            for trace in msgpack.unpackb(body, strict_map_key=False):
                for span in trace:
                    self._keep(dict(span))
        except (ValueError, TypeError) as error:
            self.refused.append(f"{path}: {error}")
            return 400, {}
        return 200, {"rate_by_service": {}}

    def _keep(self, span: dict[str, Any]) -> None:
        """Once: the tracer sends again what is not answered within two seconds."""
        known = span["trace_id"], span["span_id"]
        if known not in self._known:
            self._known.add(known)
            self.spans.append(span)


def _handler_for(agent: Agent) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._answer(self._body())

        do_PUT = do_POST

        def do_GET(self) -> None:
            self._answer(b"")

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _answer(self, body: bytes) -> None:
            status, document = agent.take(self.path.partition("?")[0], body)
            answer = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
