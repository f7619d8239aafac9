"""An OTLP/HTTP receiver, and what was received as plain records to count and compare."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, TypeVar

import zstandard
from aiohttp import web
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb

from .otlp_records import Log, Metric, Span, read_logs, read_metrics, read_spans
from .server import StandIn

PROTOBUF = "application/x-protobuf"
M = TypeVar("M", bound=Message)


class Unreadable(ValueError):
    """A body that could not be decompressed or decoded."""


class OtlpSink(StandIn):
    """Keeps every span, metric and log record sent to it.

    ``bodies`` holds each request decompressed, so that a test can look for strings that should
    never have left the sender.
    """

    name = "OTLP sink"
    accepted_status = 200
    traces_path, metrics_path, logs_path = "/v1/traces", "/v1/metrics", "/v1/logs"

    def __init__(self, port: int | None = None) -> None:
        super().__init__(port)
        self.spans: list[Span] = []
        self.metrics: list[Metric] = []
        self.logs: list[Log] = []
        self.bodies: list[bytes] = []
        self.requests: Counter[str] = Counter()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.post(self.traces_path, self._traces),
            web.post(self.metrics_path, self._metrics),
            web.post(self.logs_path, self._logs),
        ]

    def check(self, request: web.Request) -> web.Response | None:
        """A refusal because of the request's headers, or ``None``."""
        if request.content_type != PROTOBUF:
            return self.refused(request, 415, f"content type {request.content_type}")
        return None

    def check_body(self, request: web.Request, body: bytes) -> web.Response | None:
        """A refusal because of the body, as unpacked, or ``None``."""
        return None

    def keep_spans(self, request: web.Request, spans: list[Span]) -> None:
        """Whatever else is to be kept of spans that are taken."""

    def keep_metrics(
        self, request: web.Request, message: metrics_pb.ExportMetricsServiceRequest
    ) -> None:
        """Whatever else is to be kept of metrics that are taken."""

    def check_metrics(self, request: web.Request, metrics: list[Metric]) -> web.Response | None:
        """A refusal because of what the metrics are, or ``None``."""
        return None

    def refused(self, request: web.Request, status: int, reason: str) -> web.Response:
        self.refuse(request.path, reason)
        return web.json_response({"errors": [reason]}, status=status)

    # -- reading what came --------------------------------------------------------------------

    async def _traces(self, request: web.Request) -> web.Response:
        refusal, message = await self._receive(request, trace_pb.ExportTraceServiceRequest())
        if refusal is not None:
            return refusal
        spans = list(read_spans(message, received=time.time()))
        self.spans.extend(spans)
        self.keep_spans(request, spans)
        return self._accepted(trace_pb.ExportTraceServiceResponse())

    async def _metrics(self, request: web.Request) -> web.Response:
        refusal, message = await self._receive(request, metrics_pb.ExportMetricsServiceRequest())
        if refusal is not None:
            return refusal
        metrics = list(read_metrics(message, received=time.time()))
        if (refusal := self.check_metrics(request, metrics)) is not None:
            return refusal
        self.metrics.extend(metrics)
        self.keep_metrics(request, message)
        return self._accepted(metrics_pb.ExportMetricsServiceResponse())

    async def _logs(self, request: web.Request) -> web.Response:
        refusal, message = await self._receive(request, logs_pb.ExportLogsServiceRequest())
        if refusal is not None:
            return refusal
        self.logs.extend(read_logs(message, received=time.time()))
        return self._accepted(logs_pb.ExportLogsServiceResponse())

    async def _receive(self, request: web.Request, message: M) -> tuple[web.Response | None, M]:
        if (refusal := self.check(request)) is not None:
            return refusal, message
        try:
            body = decompress(await request.read(), request.headers.get("Content-Encoding", ""))
            if (refusal := self.check_body(request, body)) is not None:
                return refusal, message
            message.ParseFromString(body)
        except Unreadable as error:
            return self.refused(request, 400, str(error)), message
        except DecodeError as error:
            return self.refused(request, 400, f"not protobuf: {error}"), message
        self.bodies.append(body)
        self.requests[request.path] += 1
        return None, message

    def _accepted(self, answer: Message) -> web.Response:
        return web.Response(
            status=self.accepted_status, body=answer.SerializeToString(), content_type=PROTOBUF
        )

    # -- what tests and people ask ------------------------------------------------------------

    def holding(self, text: str) -> list[bytes]:
        """The bodies that carry a string anywhere."""
        return [body for body in self.bodies if text.encode() in body]

    def spans_by_kind(self) -> Counter[str]:
        return Counter(span.kind for span in self.spans)

    def trace(self, trace_id: str) -> list[Span]:
        return sorted(
            (span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.start
        )

    def state(self) -> dict[str, Any]:
        names = Counter(metric.name for metric in self.metrics)
        return {
            "requests": dict(self.requests),
            "spans_by_kind": dict(self.spans_by_kind()),
            "metric_points_by_name": dict(sorted(names.items())),
            "log_records_by_event": dict(Counter(log.event or log.scope for log in self.logs)),
            "spans": [asdict(span) for span in self.spans],
            "logs": [asdict(log) for log in self.logs],
        }

    def forget(self) -> None:
        for kept in (self.spans, self.metrics, self.logs, self.bodies, self.requests):
            kept.clear()


def decompress(body: bytes, encoding: str) -> bytes:
    try:
        if encoding in ("", "identity"):
            return body
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
        if encoding == "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise Unreadable(f"not {encoding}: {error}") from error
    raise Unreadable(f"content encoding {json.dumps(encoding)}")
