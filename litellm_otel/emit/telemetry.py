"""The emitter: hands each record to spans, metrics and logs. What breaks in one does not stop the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litellm_otel.boundary import guarded

if TYPE_CHECKING:
    from litellm_otel.emit.logs import Logs
    from litellm_otel.emit.metrics import Metrics
    from litellm_otel.emit.spans import Spans
    from litellm_otel.model import Attempt, Request


class Telemetry:
    """`litellm_otel.model.Emitter` over OpenTelemetry."""

    def __init__(self, spans: Spans, metrics: Metrics, logs: Logs) -> None:
        self.request_started = guarded(spans.request_started)
        self.call_started = guarded(spans.call_started)
        self.call_ended = guarded(spans.call_ended)
        self.attempt_started = guarded(spans.attempt_started)
        self.cooled_down = guarded(spans.cooled_down)
        self.enter = guarded(spans.enter)
        self.leave = guarded(spans.leave)
        self.late_cost = guarded(metrics.late_cost)
        self.request_settled = guarded(logs.request_settled)
        self._span_request_ended = guarded(spans.request_ended)
        self._count_request = guarded(metrics.request_ended)
        self._span_attempt_ended = guarded(spans.attempt_ended)
        self._count_attempt = guarded(metrics.attempt_ended)

    def request_ended(self, request: Request) -> None:
        self._span_request_ended(request)
        self._count_request(request)

    def attempt_ended(self, attempt: Attempt) -> None:
        self._span_attempt_ended(attempt)
        self._count_attempt(attempt)
