"""An OTLP/HTTP receiver inside the test process that keeps and decodes what it gets."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from stack.waiting import NotInTime, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = 2
REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


def attributes(holder: Any) -> dict[str, Any]:
    """The attributes of a resource, span, point or record as a plain dict."""
    return {pair.key: _plain(pair.value) for pair in holder.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


@dataclass
class Item:
    """A span, a metric or a log record, with the resource and the scope that it came under."""

    resource: dict[str, Any]
    scope: str
    data: Any

    @property
    def attributes(self) -> dict[str, Any]:
        return attributes(self.data)


@dataclass
class Sink:
    """What arrived, in order; ``status`` is what senders are answered."""

    status: int = 200
    paths: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    _items: dict[str, list[Item]] = field(default_factory=lambda: {p: [] for p in REQUESTS})
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[Item]:
        return self._copy("/v1/traces")

    @property
    def metrics(self) -> list[Item]:
        return self._copy("/v1/metrics")

    @property
    def logs(self) -> list[Item]:
        return self._copy("/v1/logs")

    @property
    def server_spans(self) -> list[Item]:
        return [span for span in self.spans if span.data.kind == SERVER]

    def total(self, name: str) -> float:
        """The sum over processes and attributes of the last values of a cumulative counter."""
        last: dict[tuple[Any, ...], float] = {}
        for metric in self.metrics:
            if metric.data.name == name:
                for point in metric.data.sum.data_points:
                    key = (metric.resource["service.instance.id"], *attributes(point).items())
                    last[key] = point.as_double or point.as_int
        return sum(last.values())

    def wait_for(self, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        """The first true value of `condition`, or its last value when the time is over."""
        with suppress(NotInTime):
            return until(condition, what="a value", timeout=seconds, interval=0.05)
        return condition()

    def _copy(self, path: str) -> list[Item]:
        with self._lock:
            return list(self._items[path])

    def keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        request = REQUESTS[path].FromString(body)
        with self._lock:
            self.paths[path] += 1
            self.headers.append(headers)
            self._items[path].extend(_items(request))

    def start(self, port: int = 0) -> Sink:
        self._server = _Server(("127.0.0.1", port), _handler_for(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # All signals of all workers may come at once; who has to knock again does so after seconds.
    request_queue_size = 128


def _items(request: Any) -> Iterator[Item]:
    fields = request.DESCRIPTOR.fields
    for outer in getattr(request, fields[0].name):
        resource = attributes(outer.resource)
        for scoped in getattr(outer, outer.DESCRIPTOR.fields[1].name):
            for data in getattr(scoped, scoped.DESCRIPTOR.fields[1].name):
                yield Item(resource, scoped.scope.name, data)


def _handler_for(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status = sink.status if self.path in REQUESTS else 404
            if status == 200:
                sink.keep(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
