"""Spans that cost a sixth of the SDK's, for the scopes of ours that make several for each request.

Same sampler, ids, processors, limits and resource, and to processors a `ReadableSpan` like any other.
What is left out is work that our own use needs none of: a lock and a cleaning for each attribute. A span
that begins with links, and any tracer that is not the SDK's own, is the SDK's business.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace import Tracer as SDKTracer
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import Attributes, AttributeValue

_CLEAN: Final = frozenset({str, bool, int, float})
_UNSET: Final = Status(StatusCode.UNSET)
_FLAGS: Final = {
    (sampled, is_random): TraceFlags(
        sampled * TraceFlags.SAMPLED | is_random * TraceFlags.RANDOM_TRACE_ID
    )
    for sampled in (False, True)
    for is_random in (False, True)
}


class LeanSpan(ReadableSpan, trace.Span):
    """A recording span. Not for use by several threads at once."""

    def __init__(
        self,
        source: LeanTracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: dict[str, Any],
        start_time: int,
        ended: Callable[[], None] | None,
    ) -> None:
        super().__init__(
            name,
            context,
            parent,
            source.sdk.resource,
            attributes,
            (),
            (),
            kind,
            status=_UNSET,
            start_time=start_time,
            instrumentation_scope=source.scope,
        )
        self._source = source
        self._own_context = context
        self._given = attributes
        self._ended = ended
        self._open = True
        self._own_events: Any = None
        self._own_links: Any = None

    def get_span_context(self) -> SpanContext:
        return self._own_context

    def is_recording(self) -> bool:
        return self._open

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if not self._open:
            return
        for key, value in attributes.items():
            if type(value) in _CLEAN or _is_clean_tuple(value):
                self._given[key] = value
            else:
                self._given.update(BoundedAttributes(attributes={key: value}, immutable=False))

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        if not self._open:
            return
        limits = self._source.limits
        if self._own_events is None:
            self._own_events = BoundedList(limits.max_events)
            self._events = cast("Sequence[Event]", self._own_events)
        bounded = BoundedAttributes(limits.max_event_attributes, attributes)
        self._own_events.append(Event(name, bounded, timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if not self._open:
            return
        limits = self._source.limits
        if self._own_links is None:
            self._own_links = BoundedList(limits.max_links)
            self._links = cast("Sequence[Link]", self._own_links)
        bounded = BoundedAttributes(limits.max_link_attributes, attributes)
        self._own_links.append(Link(context, bounded))

    def update_name(self, name: str) -> None:
        if self._open:
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        if not self._open or self._status.status_code is StatusCode.OK:
            return
        wanted = status if isinstance(status, Status) else Status(status, description)
        if not wanted.is_unset:
            self._status = wanted

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        kind = type(exception)
        module = kind.__module__
        name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
        about: dict[str, Any] = {
            "exception.type": name,
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**about, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        if not self._open:
            return
        source = self._source
        most = source.limits.max_span_attributes
        if most is not None and len(self._given) > most:
            self._attributes = BoundedAttributes(most, self._given, immutable=False)
        source.ending(self)
        self._open = False
        self._end_time = time.time_ns() if end_time is None else end_time
        source.processor.on_end(self)
        if self._ended is not None:
            self._ended()


def _is_clean_tuple(value: object) -> bool:
    return type(value) is tuple and all(
        type(item) is str for item in cast("tuple[object, ...]", value)
    )


class LeanTracer(trace.Tracer):
    """Starts lean spans, and leaves those that begin with links to the SDK's tracer."""

    def __init__(self, sdk: Any) -> None:
        self.sdk = sdk
        self.scope = sdk._instrumentation_scope
        self.limits = sdk._span_limits
        self.processor = sdk.span_processor
        self.ending: Callable[[Any], None] = self.processor._on_ending
        self._enabled: Callable[[], bool] = sdk._is_enabled
        self._started: Callable[..., Callable[[], None]] = sdk._tracer_metrics.start_span

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        sdk = self.sdk
        if links or not self._enabled():
            return sdk.start_span(name, context, kind, attributes, links, start_time)
        parent = trace.get_current_span(context).get_span_context()
        if parent.is_valid:
            trace_id, is_random = parent.trace_id, parent.trace_flags.random_trace_id
        else:
            parent, trace_id = None, sdk.id_generator.generate_trace_id()
            is_random = sdk.id_generator.is_trace_id_random()
        result = sdk.sampler.should_sample(context, trace_id, name, kind, attributes, ())
        decision = result.decision
        own = SpanContext(
            trace_id,
            sdk.id_generator.generate_span_id(),
            False,
            _FLAGS[decision.is_sampled(), is_random],
            result.trace_state,
        )
        ended = self._started(parent, decision)
        if not decision.is_recording():
            return NonRecordingSpan(own)
        span = LeanSpan(
            self,
            name,
            own,
            parent,
            kind,
            dict(result.attributes or {}),
            time.time_ns() if start_time is None else start_time,
            ended,
        )
        self.processor.on_start(span, context)
        return span

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return self.sdk.start_as_current_span(*args, **kwargs)


def lean(tracer: Tracer) -> Tracer:
    """A tracer of lean spans for this one; the tracer itself where that can't be."""
    sdk: Any = getattr(tracer, "_tracer", tracer)
    if type(sdk) is not SDKTracer:
        return tracer
    try:
        made = LeanTracer(sdk)
        # The length of each value would have to be looked at.
        return tracer if made.limits.max_span_attribute_length is not None else made
    except AttributeError:
        return tracer
