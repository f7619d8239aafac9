"""Records → spans: ``route <group>`` for a Router call, ``<operation> <model>`` for each attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from litellm_otel.emit import attributes, current, names, nesting
from litellm_otel.model import Attempt, Call, Cooldown, Failure, Outcome, Record, Request
from litellm_otel.outgoing import without_baggage

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


class Spans:
    """Starts and ends spans. A record's span is kept in ``record.emitted``."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def request_started(self, request: Request) -> None:
        """The server span is the web framework's instrumentation's; ours are below it."""
        request.emitted = trace.get_current_span()

    def request_ended(self, request: Request) -> None:
        span = request.emitted
        if not request.proxied or not isinstance(span, Span) or not span.is_recording():
            return
        span.set_attributes(attributes.of_request_end(request))
        if request.outcome == Outcome.ERROR:
            # Over HTTP it may look well: a stream that broke after the headers, a provider's 4xx.
            span.set_status(_error(request.final_failure))

    def call_started(self, call: Call) -> None:
        if not call.routed:
            return
        given: attributes.Attributes = {names.LITELLM_MODEL_GROUP: call.model}
        if call.strategy:
            given[names.LITELLM_ROUTING_STRATEGY] = call.strategy
        call.emitted = self._tracer.start_span(
            f"route {call.model}",
            kind=SpanKind.INTERNAL,
            attributes=given,
            start_time=call.start_ns,
        )
        if call.request.emitted is None:
            call.request.emitted = call.emitted

    def call_ended(self, call: Call) -> None:
        span = call.emitted
        if span is None:
            return
        if span.is_recording():
            span.set_attributes(attributes.of_call_end(call))
            _set_status(span, call)
        span.end(call.end_ns)

    def attempt_started(self, attempt: Attempt) -> None:
        attempt.emitted = self._tracer.start_span(
            _name(attempt),
            kind=SpanKind.CLIENT if attempt.sent else SpanKind.INTERNAL,
            attributes=attributes.of_attempt_start(attempt),
            start_time=attempt.start_ns,
        )
        if attempt.call.request.emitted is None:
            attempt.call.request.emitted = attempt.emitted

    def attempt_ended(self, attempt: Attempt) -> None:
        span: Span | None = attempt.emitted
        if span is None:
            return  # it could not be started
        if span.is_recording():
            if attempt.operation == names.INVOKE_AGENT:
                span.update_name(_name(attempt))  # the agent says its name when it is called
            span.set_attributes(attributes.of_attempt_end(attempt))
            _set_status(span, attempt)
        span.end(attempt.end_ns)

    def cooled_down(self, cooldown: Cooldown, attempt: Attempt | None) -> None:
        if attempt is None:
            return
        span = attempt.emitted if not attempt.settled else attempt.call.emitted
        if span is None or not span.is_recording():
            return
        about: attributes.Attributes = {
            names.LITELLM_DEPLOYMENT_ID: cooldown.deployment_id,
            names.ERROR_TYPE: cooldown.failure_type,
        }
        if cooldown.seconds is not None:
            about[names.LITELLM_COOLDOWN_SECONDS] = cooldown.seconds
        span.add_event(names.EVENT_COOLDOWN, about)

    def enter(self, record: Record) -> object:
        if record.emitted is None:
            return None
        context = trace.set_span_in_context(record.emitted)
        if isinstance(record, Attempt):
            context = nesting.marked(without_baggage(context))
        return current.enter(context)

    def leave(self, token: object) -> None:
        current.leave(token)


def _name(attempt: Attempt) -> str:
    called = attempt.model if attempt.target is None else attempt.target
    return f"{attempt.operation} {called}" if called else attempt.operation


def _set_status(span: Span, record: Record) -> None:
    if record.outcome in (Outcome.ERROR, Outcome.REJECTED):
        span.set_status(_error(record.failure))


def _error(failure: Failure | None) -> Status:
    return Status(StatusCode.ERROR, failure.message if failure is not None else None)
