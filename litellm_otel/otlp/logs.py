"""Log records as OTLP has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from litellm_otel.otlp.batches import Layout
from litellm_otel.otlp.values import Attributes, any_value
from litellm_otel.otlp.wire import tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord

_LAYOUT: Final = Layout(
    ExportLogsServiceRequest, (ResourceLogs, "scope_logs"), (ScopeLogs, "log_records")
)
# Typed for messages as arguments; it takes their arguments as well.
_LOG_RECORD: Final[Any] = LogRecord
_ATTRIBUTES: Final = Attributes(tag(LogRecord, "attributes"))


def encode_logs(batch: Sequence[ReadableLogRecord]) -> ExportLogsServiceRequest:
    """The request that OpenTelemetry's function of this name makes."""
    return _LAYOUT.request(batch, _encode)


def _encode(readable: Any) -> bytes:
    record = readable.log_record
    trace_id, span_id = record.trace_id, record.span_id
    message = _LOG_RECORD(
        time_unix_nano=record.timestamp,
        observed_time_unix_nano=record.observed_timestamp,
        trace_id=None if trace_id == 0 else trace_id.to_bytes(16, "big"),
        span_id=None if span_id == 0 else span_id.to_bytes(8, "big"),
        flags=int(record.trace_flags),
        body=any_value(record.body),
        severity_text=record.severity_text,
        severity_number=getattr(record.severity_number, "value", None),
        dropped_attributes_count=readable.dropped_attributes,
        event_name=record.event_name,
    )
    return b"".join((message.SerializeToString(), *_ATTRIBUTES.encode(record.attributes)))
