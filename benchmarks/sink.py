"""A local OTLP/HTTP sink that counts what arrives, per service, and keeps nothing.

``python -m benchmarks.sink`` prints the port it listens on; ``GET /counts`` says what came.
Counting is what shows that every request of the benchmark really was traced and exported.
"""

from __future__ import annotations

import gzip
import sys
from collections import Counter

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from benchmarks.serving import serve

_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_counts: dict[str, Counter[str]] = {}


def _service(resource: Resource) -> Counter[str]:
    names = [a.value.string_value for a in resource.attributes if a.key == "service.name"]
    return _counts.setdefault(names[0] if names else "", Counter())


async def _body(request: web.Request) -> bytes:
    data = await request.read()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


async def _traces(request: web.Request) -> web.Response:
    body = await _body(request)
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        count = _service(resource.resource)
        count.update({"exports": 1, "bytes": len(body)})
        for scope in resource.scope_spans:
            for span in scope.spans:
                count[f"spans {_KINDS.get(span.kind, 'unspecified')}"] += 1
    return web.Response()


async def _metrics(request: web.Request) -> web.Response:
    body = await _body(request)
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        count = _service(resource.resource)
        count.update({"exports": 1, "bytes": len(body), "metric exports": 1})
        metrics = [metric for scope in resource.scope_metrics for metric in scope.metrics]
        count["metrics in last export"] = len(metrics)
    return web.Response()


async def _logs(request: web.Request) -> web.Response:
    body = await _body(request)
    for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
        count = _service(resource.resource)
        records = sum(len(scope.log_records) for scope in resource.scope_logs)
        count.update({"exports": 1, "bytes": len(body), "log records": records})
    return web.Response()


async def _report(_: web.Request) -> web.Response:
    return web.json_response(_counts)


def application() -> web.Application:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/traces", _traces)
    app.router.add_post("/v1/metrics", _metrics)
    app.router.add_post("/v1/logs", _logs)
    app.router.add_get("/counts", _report)
    return app


if __name__ == "__main__":
    sys.exit(serve(application()))
