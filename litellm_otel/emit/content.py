"""Content → span attributes, the event of the GenAI conventions, and a completion hook."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber

from litellm_otel import lifecycle
from litellm_otel.boundary import guarded
from litellm_otel.content.limits import fit
from litellm_otel.content.redaction import Redaction
from litellm_otel.emit import attributes, names
from litellm_otel.emit.completion_hook import CompletionHook, before_threads_end
from litellm_otel.emit.content_shapes import attributes_of
from litellm_otel.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import Logger

    from litellm_otel.content.policy import ContentPolicy
    from litellm_otel.model import Attempt

_UNQUOTED = frozenset({names.GEN_AI_RETRIEVAL_QUERY_TEXT})
"""Attributes that are a text, not JSON, on spans too."""


class Contents:
    """Emits what an attempt said and was told, right before its span ends."""

    def __init__(self, logger: Logger, policy: ContentPolicy, hook: CompletionHook | None) -> None:
        self._logger = logger
        self._policy = policy
        self._hook = hook
        self._redaction = Redaction(policy.patterns)
        self._upload = guarded(hook.completed) if hook is not None else None

    def watch_process(self) -> None:
        """Have the hook loaded, in each process anew, and done with its work when the process ends."""
        if self._hook is None:
            return
        self._hook.load()
        lifecycle.on_fork(self._hook.after_fork)
        # After what waits to be emitted was: flushes run in the order of their registration.
        lifecycle.register_flush(self._hook.shutdown)
        before_threads_end(lifecycle.flush_at_end)

    @guarded
    def attempt_ended(self, attempt: Attempt) -> None:
        policy, content = self._policy, attempt.content
        attempt.content = None
        values: dict[str, Any] = {}
        about: attributes.Attributes = {}
        if content is not None:
            values = self._redaction.value(attributes_of(content), content.secrets)
            if content.withheld:
                about[names.LITELLM_CONTENT_WITHHELD] = content.withheld
        on_telemetry: Mapping[str, Any] = {}
        if values and (policy.on_spans or policy.on_events):
            fitted = fit(values, policy.max_length, policy.max_size)
            on_telemetry = fitted.values
            left_out = fitted.left_out + (content.left_out if content is not None else 0)
            if left_out:
                about[names.LITELLM_CONTENT_LEFT_OUT] = left_out
        span = attempt.emitted
        if span is not None and span.is_recording():
            span.set_attributes(about)
            if policy.on_spans:
                span.set_attributes(
                    {name: _text(name, on_telemetry[name]) for name in on_telemetry}
                )
        event = self._event(attempt, about, on_telemetry) if policy.events else None
        if self._upload is not None and values:
            self._upload(values, span, event)
        if event is not None:
            self._logger.emit(event)

    def _event(
        self, attempt: Attempt, about: attributes.Attributes, content: Mapping[str, Any]
    ) -> LogRecord:
        given: dict[str, Any] = {"event.name": names.EVENT_OPERATION_DETAILS}
        given |= attributes.of_attempt_start(attempt)
        given |= attributes.of_attempt_end(attempt)
        given |= about
        if self._policy.on_events:
            given |= content
        failed = attempt.outcome in (Outcome.ERROR, Outcome.REJECTED)
        span = attempt.emitted
        return LogRecord(
            timestamp=attempt.end_ns,
            observed_timestamp=time.time_ns(),
            context=trace.set_span_in_context(span) if span is not None else None,
            severity_number=SeverityNumber.ERROR if failed else SeverityNumber.INFO,
            severity_text="ERROR" if failed else "INFO",
            attributes=given,
            event_name=names.EVENT_OPERATION_DETAILS,
        )


def contents_for(logger: Logger, policy: ContentPolicy) -> Contents | None:
    """What emits by this policy; None where there is nothing to emit."""
    if not (policy.reads or policy.events):
        return None
    return Contents(logger, policy, CompletionHook(policy.hook) if policy.hook else None)


def _text(name: str, value: Any) -> str:
    if name in _UNQUOTED and isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
