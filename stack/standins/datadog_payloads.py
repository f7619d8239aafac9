"""The payloads of Datadog's own protocols as protobuf classes, by their public field numbers.

Only what is looked at here is described; the rest of a payload is skipped, as protobuf does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "standin.datadog"
_SCALARS = {
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
    "sint32": _Field.TYPE_SINT32,
}
_LABELS = {"one": _Field.LABEL_OPTIONAL, "repeated": _Field.LABEL_REPEATED}

# Message → field → its number and type.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "MetricPayload": {"series": (1, "repeated MetricSeries")},
    "MetricSeries": {
        "resources": (1, "repeated Resource"),
        "metric": (2, "string"),
        "tags": (3, "repeated string"),
        "points": (4, "repeated MetricPoint"),
        "type": (5, "int32"),
        "unit": (6, "string"),
        "source_type_name": (7, "string"),
        "interval": (8, "int64"),
    },
    "MetricPoint": {"value": (1, "double"), "timestamp": (2, "int64")},
    "Resource": {"type": (1, "string"), "name": (2, "string")},
    "SketchPayload": {"sketches": (1, "repeated Sketch")},
    "Sketch": {
        "metric": (1, "string"),
        "host": (2, "string"),
        "tags": (4, "repeated string"),
        "dogsketches": (7, "repeated Dogsketch"),
    },
    "Dogsketch": {
        "ts": (1, "int64"),
        "cnt": (2, "int64"),
        "min": (3, "double"),
        "max": (4, "double"),
        "avg": (5, "double"),
        "sum": (6, "double"),
        "k": (7, "repeated sint32"),
        "n": (8, "repeated uint32"),
    },
    "AgentPayload": {
        "hostName": (1, "string"),
        "env": (2, "string"),
        "tracerPayloads": (5, "repeated TracerPayload"),
        "agentVersion": (7, "string"),
        "idxTracerPayloads": (11, "repeated bytes"),
    },
    "TracerPayload": {
        "containerID": (1, "string"),
        "chunks": (6, "repeated TraceChunk"),
        "tags": (7, "map string"),
        "env": (8, "string"),
        "hostname": (9, "string"),
        "appVersion": (10, "string"),
    },
    "TraceChunk": {
        "priority": (1, "int32"),
        "spans": (3, "repeated Span"),
        "tags": (4, "map string"),
        "droppedTrace": (5, "bool"),
    },
    "Span": {
        "service": (1, "string"),
        "name": (2, "string"),
        "resource": (3, "string"),
        "traceID": (4, "uint64"),
        "spanID": (5, "uint64"),
        "parentID": (6, "uint64"),
        "start": (7, "int64"),
        "duration": (8, "int64"),
        "error": (9, "int32"),
        "meta": (10, "map string"),
        "metrics": (11, "map double"),
        "type": (12, "string"),
    },
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="standin/datadog.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label, _, kind = kind.rpartition(" ")
            if label == "map":
                entry = message.nested_type.add(name=f"{field.capitalize()}Entry")
                entry.options.map_entry = True
                _add(entry, "key", 1, "one", "string")
                _add(entry, "value", 2, "one", kind)
                label, kind = "repeated", f"{name}.{entry.name}"
            _add(message, field, number, label or "one", kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _add(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, label: str, kind: str
) -> None:
    field = message.field.add(name=name, number=number, label=_LABELS[label])
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"


_CLASSES = _classes()
MetricPayload: Any = _CLASSES["MetricPayload"]
SketchPayload: Any = _CLASSES["SketchPayload"]
AgentPayload: Any = _CLASSES["AgentPayload"]
