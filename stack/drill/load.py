"""Numbered spans, log records and metric points, sent over OTLP/HTTP and remembered when taken."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import httpx
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

ITEM = "load.item"
GAUGE = "load.level"
COUNTER = "load.requests"
SPAN = "load span"
LONG_AGO = 30 * 86_400 * 10**9
"""Nanoseconds: further back than a backend takes."""


@dataclass
class Load:
    """Sends items to one collector; ``taken`` holds, for each signal, what it acknowledged."""

    endpoint: str
    instance: str = "load-1"
    taken: dict[str, set[int]] = field(
        default_factory=lambda: {"traces": set(), "metrics": set(), "logs": set()}
    )
    started: int = field(default_factory=time.time_ns)
    ancient: set[int] = field(default_factory=set[int])
    """Numbers whose metric points and log records say that they are of long ago."""
    refusals: Counter[str] = field(default_factory=Counter[str])
    """Why requests were not acknowledged at once, and how often."""

    def deliver(
        self, numbers: Iterable[int], give_up: Callable[[], bool], *, padding: int = 0
    ) -> bool:
        """Sends one request of each signal, again and again until it is acknowledged, as the SDK does.

        False if ``give_up`` said so before all were. ``padding``: bytes added to each item.
        """
        wanted = list(numbers)
        extra = {"load.padding": os.urandom(padding // 2).hex()} if padding else {}
        waiting = {
            "traces": self.spans(wanted, extra, ""),
            "metrics": self.metrics(wanted, {}),
            "logs": self.logs(wanted, extra, ""),
        }
        while waiting:
            for signal, request in list(waiting.items()):
                if self._acknowledged(signal, request):
                    self.taken[signal].update(wanted)
                    del waiting[signal]
            if waiting:
                if give_up():
                    return False
                time.sleep(0.2)
        return True

    def _acknowledged(self, signal: str, request: Message) -> bool:
        try:
            status = post(self.endpoint, signal, request).status_code
        except httpx.HTTPError as error:
            self.refusals[type(error).__name__] += 1
            return False
        if status != 200:
            self.refusals[str(status)] += 1
        return status == 200

    def send(
        self, numbers: Iterable[int], *, extra: Mapping[str, str] | None = None, text: str = ""
    ) -> None:
        """Sends one request of each signal; raises if one is refused or not answered."""
        wanted = list(numbers)
        for signal, request in (
            ("traces", self.spans(wanted, extra or {}, text)),
            ("metrics", self.metrics(wanted, extra or {})),
            ("logs", self.logs(wanted, extra or {}, text)),
        ):
            post(self.endpoint, signal, request).raise_for_status()
            self.taken[signal].update(wanted)

    def spans(
        self, numbers: Iterable[int], extra: Mapping[str, str], text: str
    ) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add(resource=self._resource())
        scope = group.scope_spans.add()
        now = time.time_ns()
        for number in numbers:
            span = scope.spans.add(
                trace_id=os.urandom(16),
                span_id=os.urandom(8),
                name=SPAN,
                kind=Span.SPAN_KIND_SERVER,
                start_time_unix_nano=now - 1_000_000,
                end_time_unix_nano=now,
                attributes=_pairs({ITEM: number, **extra}),
                status=Status(code=Status.STATUS_CODE_ERROR, message=text) if text else None,
            )
            if text:
                span.events.add(name="exception", attributes=_pairs({"exception.message": text}))
        return request

    def logs(
        self, numbers: Iterable[int], extra: Mapping[str, str], text: str
    ) -> ExportLogsServiceRequest:
        request = ExportLogsServiceRequest()
        scope = request.resource_logs.add(resource=self._resource()).scope_logs.add()
        now = time.time_ns()
        for number in numbers:
            at = now - LONG_AGO if number in self.ancient else now
            scope.log_records.add(
                time_unix_nano=at,
                observed_time_unix_nano=at,
                severity_text="INFO",
                body=AnyValue(string_value=text or f"line {number}"),
                attributes=_pairs({ITEM: number, **extra}),
            )
        return request

    def metrics(
        self, numbers: Iterable[int], extra: Mapping[str, str]
    ) -> ExportMetricsServiceRequest:
        """A level for each number, and a cumulative counter of all numbers sent so far."""
        request = ExportMetricsServiceRequest()
        scope = request.resource_metrics.add(resource=self._resource()).scope_metrics.add()
        now = time.time_ns()
        level = scope.metrics.add(name=GAUGE)
        highest = 0
        for number in numbers:
            highest = max(highest, number)
            level.gauge.data_points.add(
                time_unix_nano=now - LONG_AGO if number in self.ancient else now,
                as_int=number,
                attributes=_pairs({ITEM: str(number), **extra}),
            )
        counter = scope.metrics.add(name=COUNTER, unit="{request}")
        counter.sum.is_monotonic = True
        counter.sum.aggregation_temporality = (
            AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        )
        counter.sum.data_points.add(
            start_time_unix_nano=self.started, time_unix_nano=now, as_int=highest
        )
        return request

    def _resource(self) -> Resource:
        return Resource(
            attributes=_pairs(
                {
                    "service.name": "litellm",
                    "service.instance.id": self.instance,
                    "service.version": "1.0",
                }
            )
        )


@cache
def _client() -> httpx.Client:
    """Making one takes longer than a request. No connection is kept: collectors come and go."""
    return httpx.Client(
        timeout=30.0, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
    )


def post(endpoint: str, signal: str, request: Message) -> httpx.Response:
    return _client().post(
        f"{endpoint}/v1/{signal}",
        content=request.SerializeToString(),
        headers={"Content-Type": "application/x-protobuf"},
    )


def _pairs(values: Mapping[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(
            key=key,
            value=AnyValue(int_value=value)
            if isinstance(value, int)
            else AnyValue(string_value=value),
        )
        for key, value in values.items()
    ]
