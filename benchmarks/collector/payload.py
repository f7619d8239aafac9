"""What LiteLLM's process sends, captured from a real one and cut to the size of full batches."""

from __future__ import annotations

import contextlib
import secrets
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from benchmarks.load import Load
from benchmarks.processes import Proxy, Server, proxy_config, stand_in
from benchmarks.variants import INSTRUMENTED
from stack.standins.otlp import OtlpSink

BATCH: Final = 512
"""Spans or log records in one request: what the SDK's batch processors send at most."""
PROCESSES: Final = 16
"""Of so many worker processes the metrics are."""
REQUESTS: Final = {False: 300, True: 100}
"""Chat completions whose telemetry is captured: whole and streamed ones."""
_THEN: Final = 1_000_000_000_000_000_001
_TIME: Final = struct.Struct("<Q")
_SHAPES: Final[Mapping[str, tuple[Any, str, str, str]]] = {
    "traces": (ExportTraceServiceRequest, "resource_spans", "scope_spans", "spans"),
    "logs": (ExportLogsServiceRequest, "resource_logs", "scope_logs", "log_records"),
}


@dataclass(frozen=True)
class Body:
    """One request's body, encoded, and the items in it."""

    data: bytes
    items: int

    def now(self) -> bytes:
        """With the present as the time of each metric point: series go on, as they do from a process."""
        return self.data.replace(_TIME.pack(_THEN), _TIME.pack(time.time_ns()))


@dataclass(frozen=True)
class Payload:
    """The bodies of one signal, to be sent again and again."""

    signal: str
    bodies: Sequence[Body]
    items_a_request: float
    """Per chat completion; of metrics, per process and report."""

    @property
    def bytes_an_item(self) -> float:
        return sum(len(body.data) for body in self.bodies) / sum(body.items for body in self.bodies)


class _Capture(OtlpSink):
    """Keeps what came by its path."""

    def __init__(self) -> None:
        super().__init__()
        self.by_path: dict[str, list[bytes]] = {}

    def check_body(self, request: web.Request, body: bytes) -> web.Response | None:
        self.by_path.setdefault(request.path, []).append(body)
        return None


async def capture(logs: Path) -> Mapping[str, Payload]:
    """Starts LiteLLM's proxy as a user does, sends chat completions through it, and keeps what it exports."""
    key = f"sk-{secrets.token_hex(24)}"
    with contextlib.ExitStack() as life:
        sink = life.enter_context(_Capture())
        provider = life.enter_context(stand_in("provider", logs))
        proxy = Proxy(
            INSTRUMENTED,
            config=proxy_config(provider.url, key),
            sink=Server("sink", 0, sink.url, logs),
            logs=logs,
            seed=0,
        )
        try:
            proxy.wait_until_ready()
            async with Load(key, concurrency=4) as load:
                for stream, count in REQUESTS.items():
                    await load.send(proxy.server.url, count, stream=stream)
        finally:
            proxy.end()  # which sends what it still holds
        spans = batches("traces", sink.by_path[sink.traces_path])
        records = batches("logs", sink.by_path[sink.logs_path])
        metrics = reports(sink.by_path[sink.metrics_path][-1])
    requests = sum(REQUESTS.values())
    return {
        "traces": Payload("traces", spans, sum(body.items for body in spans) / requests),
        "logs": Payload("logs", records, sum(body.items for body in records) / requests),
        "metrics": Payload("metrics", metrics, metrics[0].items),
    }


def batches(signal: str, captured: Sequence[bytes]) -> list[Body]:
    """The same spans or log records in as few requests as a process may send them in."""
    request, groups, scopes, records = _SHAPES[signal]
    bodies: list[Body] = []
    made, held = request(), 0
    for data in captured:
        for group in getattr(request.FromString(data), groups):
            for scope in getattr(group, scopes):
                for some in _cut(getattr(scope, records), BATCH):
                    if held + len(some) > BATCH:
                        bodies.append(Body(made.SerializeToString(), held))
                        made, held = request(), 0
                    into = getattr(made, groups).add(resource=group.resource)
                    getattr(into, scopes).add(**{"scope": scope.scope, records: some})
                    held += len(some)
    return [*bodies, Body(made.SerializeToString(), held)]


def reports(data: bytes) -> list[Body]:
    """One report of metrics as if of each of several processes, without a time as yet."""
    bodies: list[Body] = []
    for number in range(PROCESSES):
        request = ExportMetricsServiceRequest.FromString(data)
        items = 0
        for group in request.resource_metrics:
            for attribute in group.resource.attributes:
                if attribute.key == "service.instance.id":
                    attribute.value.string_value = f"worker-{number}"
            for scope in group.scope_metrics:
                for metric in scope.metrics:
                    for point in points(metric):
                        point.time_unix_nano = _THEN
                        items += 1
        bodies.append(Body(request.SerializeToString(), items))
    return bodies


def points(metric: Metric) -> Sequence[Any]:
    """Of whatever kind the metric is."""
    return getattr(metric, metric.WhichOneof("data") or "gauge").data_points


def _cut(items: Any, size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
