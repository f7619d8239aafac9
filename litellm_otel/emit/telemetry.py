"""The emitter: hands each record to spans, metrics and logs. What breaks in one does not stop the others.

What ends has its times and its context in it, so most of the work on it need not be done on the
request's path: it is put in a queue and done for many at once, which costs a third of the CPU.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from litellm_otel.boundary import guarded
from litellm_otel.emit import storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.emit.content import Contents
    from litellm_otel.emit.logs import Logs
    from litellm_otel.emit.metrics import Metrics
    from litellm_otel.emit.spans import Spans
    from litellm_otel.model import Attempt, Call, Cooldown, Measurement, Request, ServiceEvent

WAIT: Final = 1.0
"""Seconds that what has ended waits for company."""
ENOUGH: Final = 512
"""So many do not wait any longer."""
MAX_WAITING: Final = 20_000
"""Beyond it, work is done at once: memory is bounded and nothing is lost."""


class Telemetry:
    """`litellm_otel.model.Emitter` over OpenTelemetry.

    ``later`` runs a callable after so many seconds, in a thread of its own.
    """

    def __init__(
        self,
        spans: Spans,
        metrics: Metrics,
        logs: Logs,
        later: Callable[[float, Callable[[], None]], None],
        contents: Contents | None = None,
    ) -> None:
        self.request_started = guarded(spans.request_started)
        self.call_started = guarded(spans.call_started)
        self.attempt_started = guarded(spans.attempt_started)
        self._tell_of_cooldown = guarded(spans.cooled_down)
        self._count_cooldown = guarded(metrics.deployments.cooled_down)
        self.enter = guarded(spans.enter)
        self.leave = guarded(spans.leave)
        self._end_server_span = guarded(spans.request_ended)
        self._count_request = guarded(metrics.request_ended)
        self._log_request = guarded(logs.request_settled)
        self._end_call_span = guarded(spans.call_ended)
        self._end_attempt_span = guarded(spans.attempt_ended)
        self.contents = contents
        """What emits content; None unless it is asked for."""
        self._count_attempt = guarded(metrics.attempt_ended)
        self._count_cost = guarded(metrics.late_cost)
        self._prepare_service = guarded(metrics.services.prepare)
        self._count_service = guarded(metrics.services.service_event)
        self.selected = guarded(metrics.select)
        self._note_measurements = guarded(metrics.told.measured)
        self._later = later
        self._waiting: deque[tuple[Callable[[Any], Any], Any]] = deque()
        self._due = False
        """Whether somebody is to look for what is waiting."""
        self._draining = threading.RLock()
        metrics.before_collection(self.drain)

    def request_ended(self, request: Request) -> None:
        # The web framework's instrumentation ends the span as soon as this returns.
        self._end_server_span(request)
        self._count(self._count_request, request)

    def request_settled(self, request: Request) -> None:
        self._put(self._log_request, request)

    def call_ended(self, call: Call) -> None:
        self._put(self._end_call_span, call)

    def attempt_ended(self, attempt: Attempt) -> None:
        if self.contents is not None:
            self._put(self.contents.attempt_ended, attempt)
        self._put(self._end_attempt_span, attempt)
        self._count(self._count_attempt, attempt)

    def late_cost(self, attempt: Attempt) -> None:
        self._count(self._count_cost, attempt)

    def cooled_down(self, cooldown: Cooldown, attempt: Attempt | None) -> None:
        self._tell_of_cooldown(cooldown, attempt)
        self._count_cooldown(cooldown, attempt)

    def service_event(self, event: ServiceEvent) -> None:
        self._prepare_service(event)
        self._put(self._count_service, event)

    def measured(self, measurements: tuple[Measurement, ...]) -> None:
        self._count(self._note_measurements, measurements)

    def _count(self, work: Callable[[Any], Any], record: Any) -> None:
        if storage.outlives_us():
            # Before the answer leaves, so that what is answered is counted even if we are killed now.
            work(record)
        else:
            self._put(work, record)

    def _put(self, work: Callable[[Any], Any], record: Any) -> None:
        waiting = len(self._waiting)
        if waiting >= MAX_WAITING:
            work(record)
            return
        self._waiting.append((work, record))
        if not self._due:  # looked at last: what was waiting may all be done meanwhile
            self._due = True
            self._later(WAIT, self.drain)
        elif waiting == ENOUGH:
            self._later(0.0, self.drain)

    def drain(self) -> None:
        """Do now what is waiting."""
        take = self._waiting.popleft
        # Also when another thread is at it: who asks for it means to have it done.
        with self._draining:
            self._due = False
            while self._waiting:
                work, record = take()
                work(record)

    def after_fork(self) -> None:
        """What is waiting is the parent's to do."""
        self._draining = threading.RLock()
        self._due = False
        self._waiting.clear()
