"""Spans as OTLP has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, SpanFlags
from opentelemetry.trace import SpanKind

from litellm_otel.otlp.batches import Layout
from litellm_otel.otlp.values import Attributes, key_values
from litellm_otel.otlp.wire import tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

_LAYOUT: Final = Layout(
    ExportTraceServiceRequest, (ResourceSpans, "scope_spans"), (ScopeSpans, "spans")
)
_ATTRIBUTES: Final = Attributes(tag(Span, "attributes"))
# Typed for messages as arguments; it takes their arguments as well.
_SPAN: Final[Any] = Span
_KINDS: Final = {kind: Span.SpanKind.Value(f"SPAN_KIND_{kind.name}") for kind in SpanKind}
_LOCAL: Final[int] = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_REMOTE: Final[int] = _LOCAL | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK


def encode_spans(spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    """The request that OpenTelemetry's function of this name makes."""
    return _LAYOUT.request(spans, _encode)


def _encode(span: Any) -> bytes:
    context, parent, status = span.get_span_context(), span.parent, span.status
    events, links = span.events, span.links
    message = _SPAN(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        trace_state=",".join([f"{key}={value}" for key, value in context.trace_state.items()])
        if context.trace_state
        else None,
        parent_span_id=parent.span_id.to_bytes(8, "big") if parent else None,
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start_time,
        end_time_unix_nano=span.end_time,
        events=[_event(event) for event in events] if events else None,
        links=[_link(link) for link in links] if links else None,
        status={"code": status.status_code.value, "message": status.description},
        dropped_attributes_count=span.dropped_attributes,
        dropped_events_count=span.dropped_events,
        dropped_links_count=span.dropped_links,
        flags=_flags(parent),
    )
    return b"".join((message.SerializeToString(), *_ATTRIBUTES.encode(span.attributes)))


def _flags(context: SpanContext | None) -> int:
    return _REMOTE if context and context.is_remote else _LOCAL


def _event(event: Any) -> dict[str, Any]:
    return {
        "name": event.name,
        "time_unix_nano": event.timestamp,
        "attributes": key_values(event.attributes),
        "dropped_attributes_count": event.dropped_attributes,
    }


def _link(link: Any) -> dict[str, Any]:
    return {
        "trace_id": link.context.trace_id.to_bytes(16, "big"),
        "span_id": link.context.span_id.to_bytes(8, "big"),
        "attributes": key_values(link.attributes),
        "dropped_attributes_count": link.dropped_attributes,
        "flags": _flags(link.context),
    }
