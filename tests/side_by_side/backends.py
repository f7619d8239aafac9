"""The backends of LiteLLM's other callbacks: what they take from them, and what they refuse."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import zlib
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.component.otlp_sink import Item, attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

PUBLIC, SECRET = "pk-lf-side-by-side", "sk-lf-side-by-side"
DATADOG_KEY = "0123456789abcdef0123456789abcdef"
PHOENIX_KEY = "phoenix-side-by-side"
ARIZE_SPACE, ARIZE_KEY = "space-side-by-side", "arize-side-by-side"
PROTOBUF, JSON = "application/x-protobuf", "application/json"


@dataclass(frozen=True)
class Endpoint:
    """One path of a backend: what it insists on, and what it answers to what it takes."""

    content_type: str
    headers: Mapping[str, str]
    status: int = 200
    answer: bytes = b""


_BASIC = "Basic " + base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
LANGFUSE_KEYS = {"LANGFUSE_PUBLIC_KEY": PUBLIC, "LANGFUSE_SECRET_KEY": SECRET}
LANGFUSE = {
    "/api/public/otel/v1/traces": Endpoint(PROTOBUF, {"authorization": _BASIC}),
    "/api/public/ingestion": Endpoint(
        JSON, {"authorization": _BASIC}, 207, b'{"successes":[],"errors":[]}'
    ),
}
PHOENIX = {"/v1/traces": Endpoint(PROTOBUF, {"authorization": f"Bearer {PHOENIX_KEY}"})}
ARIZE = {"/v1/traces": Endpoint(PROTOBUF, {"space_id": ARIZE_SPACE, "api_key": ARIZE_KEY})}
DATADOG = {
    "/api/v2/logs": Endpoint(JSON, {"dd-api-key": DATADOG_KEY}, 202),
    "/api/intake/llm-obs/v1/trace/spans": Endpoint(JSON, {"dd-api-key": DATADOG_KEY}, 202),
}


@dataclass
class Backend:
    """Takes what belongs to its paths, and remembers what it had to refuse."""

    endpoints: Mapping[str, Endpoint]
    spans: list[Item] = field(default_factory=list)
    documents: list[Any] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Backend:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        endpoint = self.endpoints.get(path)
        if endpoint is None:
            return self._refuse(404, f"{path}: no such path")
        if headers.get("content-type", "").partition(";")[0] != endpoint.content_type:
            return self._refuse(415, f"{path}: {headers.get('content-type')}")
        for name, value in endpoint.headers.items():
            if headers.get(name) != value:
                return self._refuse(403, f"{path}: {name} is missing or wrong")
        try:
            body = _DECODERS[headers.get("content-encoding", "identity")](body)
            if endpoint.content_type == JSON:
                self.documents.append(json.loads(body))
            else:
                self.spans.extend(_spans(body))
        except Exception as error:
            return self._refuse(400, f"{path}: {error}")
        return endpoint.status, endpoint.answer

    def _refuse(self, status: int, why: str) -> tuple[int, bytes]:
        self.refused.append(why)
        return status, b""


_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


def _spans(body: bytes) -> Iterator[Item]:
    for outer in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scoped in outer.scope_spans:
            for span in scoped.spans:
                yield Item(attributes(outer.resource), scoped.scope.name, span)


def _handler_for(backend: Backend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = backend.take(self.path.partition("?")[0], headers, body)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            # Langfuse's SDK asks how the server is.
            self.send_response(200)
            answer = b'{"status":"OK","version":"3.0.0"}'
            self.send_header("content-type", JSON)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
