"""The life of records: who starts them, what ends them, exactly once and at the true time.

Hooks tell the recorder what they see; the recorder keeps the records consistent and hands them to the
emitter. A streamed attempt ends when its stream does, but its tokens and cost come later, from
LiteLLM's logging worker: such an attempt waits, for a bounded time, before it is settled.
"""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING

from litellm_otel.boundary import guarded
from litellm_otel.deferred import Deferred
from litellm_otel.model import (
    Attempt,
    AttemptReason,
    Call,
    Cooldown,
    Failure,
    Outcome,
    Request,
)
from litellm_otel.model.emitter import SILENT
from litellm_otel.model.records import ANONYMOUS, Within
from litellm_otel.model.vocabulary import FALLBACK_REASONS
from litellm_otel.outcomes import CLIENT_FAULT_STATUS_CODES, outcome_of_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.model import Emitter, Usage
    from litellm_otel.reading.content import ContentReader

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
        baggage: Callable[[], tuple[tuple[str, str], ...]] = tuple,
    ) -> None:
        self.emitter: Emitter = emitter if emitter is not None else SILENT
        self.deferred = Deferred()
        self.active = True
        """False once the instrumentation is taken out: hooks that can't be then do nothing."""
        self.serves = False
        """True in a process that has the proxy's app, where requests in flight mean something."""
        self.before_first_call: Callable[[], object] | None = None
        """Called once, when there is a call to record."""
        self.contents: ContentReader | None = None
        """Reads content into attempts; None unless it is asked for."""
        self._estimate = estimate
        self._baggage = baggage
        self._idle_timeout = stream_idle_timeout
        self._lock = threading.RLock()
        self._awaiting: dict[str, Attempt] = {}
        self._open_streams: dict[int, Attempt] = {}
        self._open_calls: dict[str, Call] = {}
        self._open_inner_calls: dict[int, Call] = {}
        self._open_requests: dict[int, Request] = {}
        self._failed: dict[str, Attempt] = {}

    # -- requests -----------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return len(self._open_requests)

    def under_way_longer_than(self, seconds: float) -> list[Request]:
        """Requests that began so long ago and have not ended."""
        with self._lock:
            requests = list(self._open_requests.values())
        before = time.perf_counter_ns() - int(seconds * 1e9)
        return [request for request in requests if request.start_clock < before]

    def current_request(self) -> Request | None:
        """The request that this context works for, while it is not answered."""
        request = _request.get()
        return request if request is not None and not request.end_ns else None

    @guarded
    def start_request(self, request: Request) -> contextvars.Token[Request | None]:
        """Begin a proxied request; the token goes to `leave_request`."""
        self._request_opened(request)
        self.emitter.request_started(request)
        return _request.set(request)

    def _request_opened(self, request: Request) -> None:
        request.baggage = self._baggage()
        with self._lock:
            self._open_requests[id(request)] = request

    @guarded
    def leave_request(self, token: contextvars.Token[Request | None] | None) -> None:
        if token is not None:
            _request.reset(token)

    def end_request(
        self, request: Request, outcome: str | None = None, *, at_ns: int | None = None
    ) -> None:
        """End the request and whatever in it is still open, now or at an earlier time."""
        with self._lock:
            if request.end_ns:
                return
            request.stop_clock()
            if at_ns is not None:
                request.end_ns = at_ns
            self._open_requests.pop(id(request), None)
            # Another thread may see its end, and is not to settle it before it is known how it ended.
            request.unsettled += 1
        try:
            if request.provisional and not request.calls:
                return
            request.outcome = Outcome.ERROR  # should one of the next lines break
            for call in request.calls:
                if not call.end_ns:
                    self._end_open_call(call, request)
            request.outcome = outcome or outcome_of_request(request)
            if request.internal:
                request.settled = True
                return
            self.emitter.request_ended(request)
        finally:
            with self._lock:
                request.unsettled -= 1
        self._settle_request(request)

    def end_all(self) -> None:
        """The process ends, and with it what is under way."""
        with self._lock:
            requests = list(self._open_requests.values())
            inner_calls = list(self._open_inner_calls.values())
        for call in (*inner_calls, *(call for request in requests for call in request.calls)):
            self._end_open_call(call, call.request, Outcome.CANCELLED)
            if call.last_attempt is not None:
                self.settle_attempt(call.last_attempt)
        for request in requests:
            self.end_request(request, Outcome.CANCELLED)

    def _end_open_call(self, call: Call, request: Request, gone: str = Outcome.ABANDONED) -> None:
        if request.disconnected:
            gone = Outcome.CLIENT_DISCONNECTED
        attempt = call.last_attempt
        if attempt is not None and not attempt.outcome:
            self.end_attempt(attempt, gone)
        if not call.end_ns:
            deciding = call.deciding_attempt
            outcome = deciding.outcome if deciding is not None else gone
            failed = outcome in (Outcome.ERROR, Outcome.REJECTED)
            failure = call.last_failure
            if deciding is not None and deciding is call.broken:
                failure = deciding.failure
            self.end_call(call, outcome, failure if failed else None)

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

    def start_call(
        self, around: Attempt | None = None, *, internal: bool = False, **fields: object
    ) -> Call:
        """Begin a logical call in the current request, or in one of its own outside the proxy.

        ``around``: the attempt that the call is a part of. ``internal``: made by LiteLLM for itself.
        """
        if self.before_first_call is not None:
            first, self.before_first_call = self.before_first_call, None
            first()
        if around is not None:
            call = Call(request=around.call.request, around=around, **fields)  # pyright: ignore[reportArgumentType]
            call.group = call.model
            with self._lock:
                self._open_inner_calls[id(call)] = call
            self.emitter.call_started(call)
            return call
        request = self.current_request()
        if request is None:
            request = Request(internal=internal and self.serves)
            self._request_opened(request)
        call = Call(request=request, **fields)  # pyright: ignore[reportArgumentType]
        call.group = call.model
        if request.model is None:
            request.model = call.model
        if call.identity is not ANONYMOUS and not request.calls:
            request.identity = call.identity.completed_by(request.identity)
        request.calls.append(call)
        if call.trace_id and len(self._open_calls) < MAX_TRACKED:
            self._open_calls[call.trace_id] = call
        self.emitter.call_started(call)
        return call

    @guarded
    def enter_call(self, call: Call) -> contextvars.Token[Call | None]:
        return _call.set(call)

    @guarded
    def leave_call(self, token: contextvars.Token[Call | None] | None) -> None:
        if token is not None:
            _call.reset(token)

    def open_call(self, trace_id: object) -> Call | None:
        """The call LiteLLM knows by this ``litellm_trace_id``, while it is open."""
        return self._open_calls.get(trace_id) if isinstance(trace_id, str) else None

    def fall_back(self, call: Call, group: str) -> None:
        """The call goes on with another model group."""
        call.fallbacks += 1
        call.group = group
        call.group_attempts = 0

    def late_fallback_begins(self, call: Call) -> None:
        """The fallback is that of a stream, which the caller has already."""
        with self._lock:
            call.hops += 1

    def late_fallback_ended(self, call: Call) -> None:
        """If it has brought no stream, which would end the call, there may be another one."""
        with self._lock:
            call.hops -= 1
        if call.last_attempt is not None and call.last_attempt.outcome and not call.end_ns:
            self._await_fallback(call)

    def call_returned(self, call: Call) -> None:
        """The caller has its result: the end of the call, unless that is a stream still open."""
        call.returned = True
        attempt = call.last_attempt
        if attempt is None or (call.cache_hit and not self.is_streaming(attempt)):
            self.end_call(call, Outcome.COMPLETED)
        elif attempt.outcome:
            self.end_call(call, attempt.outcome, attempt.failure)

    def end_call(
        self,
        call: Call,
        outcome: str,
        failure: Failure | None = None,
        *,
        at_ns: int | None = None,
    ) -> None:
        """End the call, now or at an earlier time, and with it a request that is no more than it."""
        with self._lock:
            if call.end_ns:
                return
            call.stop_clock()
            if at_ns is not None:
                call.end_ns = at_ns
            call.outcome = outcome
            call.failure = failure
            if call.trace_id:
                self._open_calls.pop(call.trace_id, None)
            if call.around is not None:
                self._open_inner_calls.pop(id(call), None)
        self.emitter.call_ended(call)
        if not call.request.proxied and call.around is None:
            self.end_request(call.request, outcome, at_ns=at_ns)

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
            if call.around is not None:
                call.around.within = call.around.within or Within()
                call.around.within.unsettled += 1
            if attempt.retry_number:
                call.retries += 1
        attempt.model_group = attempt.model_group or call.group
        previous = call.last_failure
        if previous is not None:
            attempt.previous_error = previous.type
        if attempt.retry_number:
            attempt.reason = AttemptReason.RETRY
        elif attempt.fallback_number:
            why = previous.type if previous is not None else ""
            attempt.reason = FALLBACK_REASONS.get(why, AttemptReason.FALLBACK)
        if not call.operation:
            call.operation = attempt.operation
        if call.request.call_id is None and call.around is None:
            call.request.call_id = attempt.call_id
        self.emitter.attempt_started(attempt)

    def stream_opened(self, attempt: Attempt) -> None:
        """The attempt answers with a stream, which will end it."""
        attempt.stream = True
        with self._lock:
            if len(self._open_streams) < MAX_TRACKED:
                self._open_streams[id(attempt)] = attempt
        self.expect_details(attempt)
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
            refused = failure is not None and failure.status_code in CLIENT_FAULT_STATUS_CODES
            attempt.outcome = Outcome.REJECTED if refused else outcome
            attempt.failure = failure
            was_stream = self._open_streams.pop(id(attempt), None) is not None
        call = attempt.call
        if attempt.delegated and outcome != Outcome.COMPLETED:
            self._end_calls_within(attempt)
        if failure is not None:
            call.last_failure = failure
            if attempt.deployment_id is not None:
                self._failed[attempt.deployment_id] = attempt
        if was_stream:
            self.await_details(attempt)
            if call.returned and call.last_attempt is attempt:
                self._end_streamed_call(call, attempt)
        return True

    def _end_calls_within(self, attempt: Attempt) -> None:
        with self._lock:
            calls = [each for each in self._open_inner_calls.values() if each.around is attempt]
        for call in calls:
            self._end_open_call(call, call.request, attempt.outcome)

    def _end_streamed_call(self, call: Call, attempt: Attempt) -> None:
        if attempt.failure is None or not call.routed:
            self.end_call(call, attempt.outcome, attempt.failure, at_ns=attempt.end_ns)
            return
        call.broken = attempt
        self._await_fallback(call)

    def _await_fallback(self, call: Call) -> None:
        """End the call, whose stream has failed, unless a fallback is under way or carries it on."""

        def give_up_on_fallback() -> None:
            last, deciding = call.last_attempt, call.deciding_attempt
            if call.hops or last is None or deciding is None or not last.outcome:
                return
            self.end_call(call, deciding.outcome, deciding.failure, at_ns=last.end_ns)

        self.deferred.after(FALLBACK_GRACE, give_up_on_fallback)

    def await_details(self, attempt: Attempt) -> None:
        """Settle the attempt, which has ended, when LiteLLM's account of it has come."""
        if attempt.delegated and attempt.within is not None:
            if not attempt.within.unsettled:
                self.settle_attempt(attempt)
            else:
                self.deferred.after(COMPLETED_STREAM_GRACE, lambda: self.settle_attempt(attempt))
            return
        if attempt.account is not None:
            self._take_account(attempt, *attempt.account)
            return
        around = attempt.call.around
        shared = around is not None and around.call_id == attempt.call_id and not attempt.stream
        named = attempt.call_id is not None or bool(attempt.inner_call_ids)
        if shared or not named or not attempt.accounted:
            self.settle_attempt(attempt)  # LiteLLM keeps no account of it, or not under this name
            return
        whole = attempt.outcome == Outcome.COMPLETED
        with self._lock:
            if attempt.settled:  # another thread has just brought it
                return
            self.expect_details(attempt)
        grace = COMPLETED_STREAM_GRACE if whole else BROKEN_STREAM_GRACE
        self.deferred.after(grace, lambda: self.settle_attempt(attempt))

    def expect_details(self, attempt: Attempt, call_id: str | None = None) -> None:
        """LiteLLM's account of the attempt may come from now on, also before the attempt has ended.

        ``call_id``: what LiteLLM calls it there, if not as the attempt says.
        """
        known = call_id or attempt.call_id
        if attempt.delegated or not attempt.accounted:
            return  # another call may go by the same name, whose account that is
        if known is None or len(self._awaiting) >= MAX_TRACKED:
            return
        self._awaiting[known] = attempt
        if known not in (attempt.call_id, *attempt.inner_call_ids):
            attempt.inner_call_ids = (*attempt.inner_call_ids, known)

    def details(
        self,
        call_id: str,
        usage: Usage | None,
        cost: float | None,
        cost_parts: dict[str, float] | None = None,
        *,
        of_tool: bool = False,
    ) -> None:
        """LiteLLM's account of a call: tokens, cost and its parts.

        ``of_tool``: it is a tool's, which has the name of the model's call that it is made for.
        """
        attempt = self._awaiting.get(call_id)
        if attempt is None or of_tool != attempt.of_tool:
            return
        with self._lock:
            # Or a stream that another thread ends now would look for its account before it is here.
            if not attempt.outcome:
                attempt.account = usage, cost, cost_parts or {}
                return
        if attempt.settled:
            self._forget(attempt)
            if cost and attempt.cost is None:
                attempt.cost = cost
                attempt.cost_parts = cost_parts or {}
                self.emitter.late_cost(attempt)
        else:
            self._take_account(attempt, usage, cost, cost_parts or {})

    def _take_account(
        self,
        attempt: Attempt,
        usage: Usage | None,
        cost: float | None,
        cost_parts: dict[str, float],
    ) -> None:
        if usage is None or not usage.counted:
            # LiteLLM could not tell: it loses count of some streams, text completions among them.
            usage, cost = (None, cost or None) if attempt.chunks else (usage, cost)
        if usage is not None:
            # Of a stream whose provider sent no count, most LiteLLM versions make one up with a tokenizer.
            told = not attempt.chunks or attempt.usage.counted
            usage.estimated = usage.estimated or attempt.outcome != Outcome.COMPLETED or not told
            attempt.usage = usage
        if cost is not None and not attempt.cache_hit:
            attempt.cost = cost
            attempt.cost_parts = cost_parts
        self._forget(attempt)
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
            around = attempt.call.around
            within = attempt.within if attempt.delegated else None
            if self._failed.get(attempt.deployment_id or "") is attempt:
                del self._failed[attempt.deployment_id or ""]
        if within is not None:
            attempt.usage, attempt.cost = within.usage, within.cost
            attempt.cost_parts = within.cost_parts
        elif attempt.seen and not attempt.usage.output_tokens and self._estimate is not None:
            self._estimate(attempt)
        if around is not None and around.within is not None:
            with self._lock:
                around.within.add(attempt)
                around.within.unsettled -= 1
        if attempt.content is not None and attempt.seen and self.contents is not None:
            self.contents.streamed(attempt, attempt.seen)
        attempt.seen = attempt.asked = attempt.unquotable = None
        if attempt.call.request.disconnected and attempt.outcome == Outcome.CANCELLED:
            attempt.outcome = Outcome.CLIENT_DISCONNECTED
        self.emitter.attempt_ended(attempt)
        self._settle_request(attempt.call.request)
        if around is not None and around.within is not None and not around.within.unsettled:
            self._settle_around(around)
        if attempt.cost is not None or not attempt.stream:
            self._forget(attempt)
        else:
            self.deferred.after(60.0, lambda: self._forget(attempt))

    def _settle_around(self, attempt: Attempt) -> None:
        """The last of the calls in it is settled; that of a call that has returned itself comes by itself."""
        if attempt.delegated and attempt.outcome and attempt.stream:
            self.settle_attempt(attempt)

    def _forget(self, attempt: Attempt) -> None:
        for call_id in (attempt.call_id, *attempt.inner_call_ids):
            if call_id is not None and self._awaiting.get(call_id) is attempt:
                del self._awaiting[call_id]

    def cooled_down(self, cooldown: Cooldown) -> None:
        """A deployment is taken out of rotation. LiteLLM may say so outside the call's context."""
        call = self.current_call()
        attempt = call.last_attempt if call is not None else None
        if attempt is None or attempt.deployment_id != cooldown.deployment_id:
            attempt = self._failed.get(cooldown.deployment_id)
        if attempt is not None and not attempt.settled:
            if attempt.cooldown_seconds is not None:
                return  # LiteLLM's handlers say it once each
            attempt.cooldown_seconds = cooldown.seconds
        self.emitter.cooled_down(cooldown, attempt)

    # -- ends that nobody tells ---------------------------------------------------------------

    def abandoned(self, attempt: Attempt) -> None:
        """A stream was garbage-collected. Safe to call from ``__del__``: it takes no lock."""
        clock = attempt.last_chunk_clock or time.perf_counter_ns()
        self.deferred.soon(lambda: self._abandon(attempt, clock))

    def _abandon(self, attempt: Attempt, clock: int | None = None) -> None:
        self.end_attempt(
            attempt, Outcome.ABANDONED, clock=clock or attempt.last_chunk_clock or None
        )

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
        self._open_inner_calls.clear()
        self._open_requests.clear()
        self._failed.clear()
        self.deferred = Deferred()
