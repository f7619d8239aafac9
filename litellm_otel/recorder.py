"""The life of records: who starts them, what ends them, exactly once and at the true time.

Hooks tell the recorder what they see; the recorder keeps the records consistent and hands them to the
emitter. A streamed attempt ends when its stream does, but its tokens and cost come later, from
LiteLLM's logging worker: such an attempt waits, for a bounded time, before it is settled.
"""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

from litellm_otel.deferred import Deferred
from litellm_otel.model import Attempt, Call, Cooldown, Failure, Outcome, Request
from litellm_otel.model.emitter import SILENT
from litellm_otel.model.records import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.model import Emitter, Usage

COMPLETED_STREAM_GRACE = 5.0
"""Seconds that a stream read to its end waits for LiteLLM's account of tokens and cost."""
BROKEN_STREAM_GRACE = 0.5
"""The same for one that was not; its tokens can be counted from what was seen."""
FALLBACK_GRACE = 5.0
"""Seconds that a call whose stream failed waits for a fallback to carry it on."""
MAX_TRACKED = 20_000
"""Open streams, and attempts awaiting their details, kept track of at the most."""

_request: contextvars.ContextVar[Request | None] = contextvars.ContextVar(
    "litellm_otel_request", default=None
)
_call: contextvars.ContextVar[Call | None] = contextvars.ContextVar(
    "litellm_otel_call", default=None
)


class Recorder:
    """Starts, links, ends and settles records. Thread-safe; nothing in it blocks or waits."""

    def __init__(
        self,
        emitter: Emitter | None = None,
        *,
        stream_idle_timeout: float = 600.0,
        estimate: Callable[[Attempt], None] | None = None,
    ) -> None:
        self.emitter: Emitter = emitter if emitter is not None else SILENT
        self.deferred = Deferred()
        self.active = True
        """False once the instrumentation is taken out: hooks that can't be then do nothing."""
        self.in_flight = 0
        self.serves = False
        """True in a process that has the proxy's app, where requests in flight mean something."""
        self._estimate = estimate
        self._idle_timeout = stream_idle_timeout
        self._lock = threading.RLock()
        self._awaiting: dict[str, Attempt] = {}
        self._open_streams: dict[int, Attempt] = {}
        self._open_calls: dict[str, Call] = {}

    # -- requests -----------------------------------------------------------------------------

    def current_request(self) -> Request | None:
        """The request that this context works for, while it is not answered."""
        request = _request.get()
        return request if request is not None and not request.end_ns else None

    def start_request(self, request: Request) -> contextvars.Token[Request | None]:
        """Begin a proxied request; the token goes to `leave_request`."""
        with self._lock:
            self.in_flight += 1
        self.emitter.request_started(request)
        return _request.set(request)

    def leave_request(self, token: contextvars.Token[Request | None]) -> None:
        _request.reset(token)

    def end_request(self, request: Request, outcome: str | None = None) -> None:
        """End the request and whatever in it is still open."""
        with self._lock:
            if request.end_ns:
                return
            request.stop_clock()
            self.in_flight -= 1
        for call in request.calls:
            if not call.end_ns:
                self._end_open_call(call, request)
        request.outcome = outcome or outcome_of_request(request)
        self.emitter.request_ended(request)
        self._settle_request(request)

    def _end_open_call(self, call: Call, request: Request) -> None:
        attempt = call.last_attempt
        gone = Outcome.CLIENT_DISCONNECTED if request.disconnected else Outcome.ABANDONED
        if attempt is not None and not attempt.outcome:
            self.end_attempt(attempt, gone)
        if not call.end_ns:
            outcome = attempt.outcome if attempt is not None else gone
            self.end_call(call, outcome, call.last_failure if outcome == Outcome.ERROR else None)

    def _settle_request(self, request: Request) -> None:
        with self._lock:
            if request.settled or not request.end_ns or request.unsettled:
                return
            request.settled = True
        self.emitter.request_settled(request)

    # -- calls --------------------------------------------------------------------------------

    def current_call(self) -> Call | None:
        call = _call.get()
        return call if call is not None and not call.end_ns else None

    def start_call(self, **fields: object) -> Call:
        """Begin a logical call in the current request, or in one of its own outside the proxy."""
        request = self.current_request()
        if request is None:
            request = Request()
            with self._lock:
                self.in_flight += 1
        call = Call(request=request, **fields)  # pyright: ignore[reportArgumentType]
        call.group = call.model
        if request.model is None:
            request.model = call.model
        if request.identity is ANONYMOUS:
            request.identity = call.identity
        request.calls.append(call)
        if call.trace_id and len(self._open_calls) < MAX_TRACKED:
            self._open_calls[call.trace_id] = call
        self.emitter.call_started(call)
        return call

    def enter_call(self, call: Call) -> contextvars.Token[Call | None]:
        return _call.set(call)

    def leave_call(self, token: contextvars.Token[Call | None]) -> None:
        _call.reset(token)

    def open_call(self, trace_id: object) -> Call | None:
        """The call LiteLLM knows by this ``litellm_trace_id``, while it is open."""
        return self._open_calls.get(trace_id) if isinstance(trace_id, str) else None

    def fall_back(self, call: Call, group: str) -> None:
        """The call goes on with another model group."""
        call.fallbacks += 1
        call.group = group
        call.group_attempts = 0

    def call_returned(self, call: Call) -> None:
        """The caller has its result: the end of the call, unless that is a stream still open."""
        call.returned = True
        attempt = call.last_attempt
        if attempt is None or call.cache_hit:
            self.end_call(call, Outcome.COMPLETED)
        elif attempt.outcome:
            self.end_call(call, attempt.outcome, attempt.failure)

    def end_call(self, call: Call, outcome: str, failure: Failure | None = None) -> None:
        with self._lock:
            if call.end_ns:
                return
            call.stop_clock()
            call.outcome = outcome
            call.failure = failure
            if call.trace_id:
                self._open_calls.pop(call.trace_id, None)
        self.emitter.call_ended(call)
        if not call.request.proxied:
            self.end_request(call.request, outcome)

    # -- attempts -----------------------------------------------------------------------------

    def start_attempt(self, attempt: Attempt) -> None:
        call = attempt.call
        with self._lock:
            call.attempts += 1
            attempt.number = call.attempts
            attempt.retry_number = call.group_attempts
            attempt.fallback_number = call.fallbacks
            call.group_attempts += 1
            call.last_attempt = attempt
            call.request.unsettled += 1
        attempt.model_group = attempt.model_group or call.group
        if call.last_failure is not None:
            attempt.reason = call.last_failure.type
        if not call.operation:
            call.operation = attempt.operation
        if call.request.call_id is None:
            call.request.call_id = attempt.call_id
        self.emitter.attempt_started(attempt)

    def stream_opened(self, attempt: Attempt) -> None:
        """The attempt answers with a stream, which will end it."""
        attempt.stream = True
        with self._lock:
            if len(self._open_streams) < MAX_TRACKED:
                self._open_streams[id(attempt)] = attempt
        self.deferred.every(self._idle_timeout / 4, self._reap)

    def is_streaming(self, attempt: Attempt) -> bool:
        """Whether a stream is still to end the attempt."""
        return id(attempt) in self._open_streams

    def end_attempt(
        self,
        attempt: Attempt,
        outcome: str,
        failure: Failure | None = None,
        *,
        clock: int | None = None,
    ) -> bool:
        """End the attempt at ``clock`` (perf_counter_ns; now if not given). False if it had ended."""
        with self._lock:
            if attempt.outcome:
                return False
            attempt.stop_clock(clock)
            if outcome == Outcome.CANCELLED and attempt.call.request.disconnected:
                outcome = Outcome.CLIENT_DISCONNECTED
            attempt.outcome = outcome
            attempt.failure = failure
            was_stream = self._open_streams.pop(id(attempt), None) is not None
        call = attempt.call
        if failure is not None:
            call.last_failure = failure
        if was_stream:
            self.await_details(attempt)
            if call.returned and call.last_attempt is attempt:
                self._end_streamed_call(call, attempt)
        return True

    def _end_streamed_call(self, call: Call, attempt: Attempt) -> None:
        if attempt.outcome != Outcome.ERROR or not call.routed:
            self.end_call(call, attempt.outcome, attempt.failure)
            return

        def give_up_on_fallback() -> None:
            if call.last_attempt is attempt:
                self.end_call(call, Outcome.ERROR, attempt.failure)

        self.deferred.after(FALLBACK_GRACE, give_up_on_fallback)

    def await_details(self, attempt: Attempt) -> None:
        """Settle the attempt, which has ended, when LiteLLM's account of it has come."""
        whole = attempt.outcome == Outcome.COMPLETED
        if attempt.call_id is not None and len(self._awaiting) < MAX_TRACKED:
            self._awaiting[attempt.call_id] = attempt
        grace = COMPLETED_STREAM_GRACE if whole else BROKEN_STREAM_GRACE
        self.deferred.after(grace, lambda: self.settle_attempt(attempt))

    def details(
        self,
        call_id: str,
        usage: Usage | None,
        cost: float | None,
        cost_parts: dict[str, float] | None = None,
    ) -> None:
        """LiteLLM's account of a call: tokens, cost and its parts."""
        attempt = self._awaiting.get(call_id)
        if attempt is None:
            return
        if usage is not None and not usage.counted and attempt.chunks:
            usage = None  # LiteLLM could not tell: it loses count of streamed text completions
        if usage is not None and not attempt.settled:
            usage.estimated = usage.estimated or attempt.outcome != Outcome.COMPLETED
            attempt.usage = usage
        if attempt.settled:
            self._awaiting.pop(call_id, None)
            if cost and attempt.cost is None:
                attempt.cost = cost
                attempt.cost_parts = cost_parts or {}
                self.emitter.late_cost(attempt)
            return
        if cost is not None:
            attempt.cost = cost
            attempt.cost_parts = cost_parts or {}
        self._awaiting.pop(call_id, None)
        self.settle_attempt(attempt)

    def awaits_details(self, call_id: object) -> bool:
        return call_id in self._awaiting

    def settle_attempt(self, attempt: Attempt) -> None:
        """Everything that will be known about the attempt is known: hand it on."""
        with self._lock:
            if attempt.settled or not attempt.outcome:
                return
            attempt.settled = True
            attempt.call.request.unsettled -= 1
        if attempt.seen and not attempt.usage.output_tokens and self._estimate is not None:
            self._estimate(attempt)
        attempt.seen = attempt.asked = None
        if attempt.call.request.disconnected and attempt.outcome == Outcome.CANCELLED:
            attempt.outcome = Outcome.CLIENT_DISCONNECTED
        self.emitter.attempt_ended(attempt)
        self._settle_request(attempt.call.request)
        if attempt.cost is not None or not attempt.stream:
            self._forget(attempt)
        else:
            self.deferred.after(60.0, lambda: self._forget(attempt))

    def _forget(self, attempt: Attempt) -> None:
        if attempt.call_id is not None and self._awaiting.get(attempt.call_id) is attempt:
            del self._awaiting[attempt.call_id]

    def cooled_down(self, cooldown: Cooldown) -> None:
        call = self.current_call()
        self.emitter.cooled_down(cooldown, call.last_attempt if call is not None else None)

    # -- ends that nobody tells ---------------------------------------------------------------

    def abandoned(self, attempt: Attempt) -> None:
        """A stream was garbage-collected. Safe to call from ``__del__``: it takes no lock."""
        self.deferred.soon(lambda: self._abandon(attempt))

    def _abandon(self, attempt: Attempt) -> None:
        clock = attempt.last_chunk_clock or None
        self.end_attempt(attempt, Outcome.ABANDONED, clock=clock)

    def _reap(self) -> None:
        with self._lock:
            streams = list(self._open_streams.values())
        for attempt in streams:
            if attempt.idle_seconds > self._idle_timeout:
                self._abandon(attempt)

    def flush(self) -> None:
        """Settle at once everything that has ended but waits for details."""
        self.deferred.run_all()

    def after_fork(self) -> None:
        """In a forked child: what was open belongs to the parent."""
        self._lock = threading.RLock()
        self._awaiting.clear()
        self._open_streams.clear()
        self._open_calls.clear()
        self.in_flight = 0
        self.deferred = Deferred()


def outcome_of_request(request: Request) -> str:
    """How a proxied request ended, from its HTTP status and what happened in it.

    A refusal (4xx) counts as ``rejected`` unless a provider or the Router caused it: no client can
    help a provider's rate limit or a deployment with a wrong key.
    """
    status = request.status_code
    calls = request.calls
    if request.disconnected or status == 499:
        return Outcome.CLIENT_DISCONNECTED
    if status is None or status >= 500:
        return Outcome.ERROR
    if status >= 400:
        reached_router = bool(calls)
        return (
            Outcome.ERROR
            if reached_router and status not in CLIENT_FAULT_STATUS_CODES
            else Outcome.REJECTED
        )
    if calls and calls[-1].outcome not in ("", Outcome.REJECTED):
        return calls[-1].outcome
    return Outcome.COMPLETED


CLIENT_FAULT_STATUS_CODES = frozenset({400, 413, 422})
"""Statuses with which a provider says that the request itself is wrong."""
