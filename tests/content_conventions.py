"""The shapes that the GenAI conventions give content, as JSON schemas of our own making.

Stricter than the conventions' in one point: an unknown type of part is not let through, so that a
misspelt one is noticed. Field names are held against the classes of `opentelemetry-util-genai`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import jsonschema
from opentelemetry.util.genai import types

_TEXT, _OPTIONAL = {"type": "string"}, {"type": ["string", "null"]}
_ANY: dict[str, Any] = {}
_TYPED = {"type": "object", "properties": {"type": _TEXT}, "required": ["type"]}

EXTRAS = {"size": {"type": "integer"}, "transcript": _OPTIONAL}
"""Fields of ours, and one that the classes do not have yet."""


def _object(required: Mapping[str, Any], optional: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _part(name: str, required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    return _object({"type": {"const": name}, **required}, optional)


_MODALITY = {"enum": ["image", "video", "audio", "document"]}
PARTS = {
    "text": _part("text", {"content": _TEXT}),
    "reasoning": _part("reasoning", {"content": _TEXT}),
    "tool_call": _part("tool_call", {"name": _TEXT}, id=_OPTIONAL, arguments=_ANY),
    "tool_call_response": _part("tool_call_response", {"response": _ANY}, id=_OPTIONAL),
    "server_tool_call": _part(
        "server_tool_call", {"name": _TEXT, "server_tool_call": _TYPED}, id=_OPTIONAL
    ),
    "server_tool_call_response": _part(
        "server_tool_call_response", {"server_tool_call_response": _TYPED}, id=_OPTIONAL
    ),
    "blob": _part("blob", {"modality": _MODALITY, "content": _TEXT}, mime_type=_OPTIONAL, **EXTRAS),
    "file": _part("file", {"modality": _MODALITY, "file_id": _TEXT}, mime_type=_OPTIONAL),
    "uri": _part("uri", {"modality": _MODALITY, "uri": _TEXT}, mime_type=_OPTIONAL),
    "compaction": _part("compaction", {}, id=_OPTIONAL, content=_OPTIONAL),
}
_CLASSES = {
    "text": types.TextPart,
    "reasoning": types.ReasoningPart,
    "tool_call": types.ToolCallRequestPart,
    "tool_call_response": types.ToolCallResponsePart,
    "server_tool_call": types.ServerToolCallPart,
    "server_tool_call_response": types.ServerToolCallResponsePart,
    "blob": types.BlobPart,
    "file": types.FilePart,
    "uri": types.UriPart,
    "compaction": types.CompactionPart,
}
_ROLE = {"enum": ["system", "developer", "user", "assistant", "tool"]}
_MESSAGE = {"role": _ROLE, "parts": {"type": "array", "items": {"anyOf": list(PARTS.values())}}}
_TOOL = {"type": {"const": "function"}, "name": _TEXT}
_OTHER_TOOL = {"type": {"type": "string", "not": {"const": "function"}}, "name": _TEXT}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


SCHEMAS: Mapping[str, dict[str, Any]] = {
    "gen_ai.input.messages": _list(_object(_MESSAGE, {"name": _OPTIONAL})),
    "gen_ai.output.messages": _list(
        _object(
            {**_MESSAGE, "role": {"const": "assistant"}},
            {"name": _OPTIONAL, "finish_reason": _OPTIONAL},
        )
    ),
    "gen_ai.system_instructions": _list(PARTS["text"]),
    "gen_ai.tool.definitions": _list(
        {
            "anyOf": [
                _object(_TOOL, {"description": _OPTIONAL, "parameters": {"type": "object"}}),
                _object(_OTHER_TOOL, {}),
            ]
        }
    ),
    "gen_ai.retrieval.query.text": _TEXT,
    "gen_ai.retrieval.documents": _list(
        _object({}, {"id": _TEXT, "score": {"type": "number"}, "content": _TEXT})
    ),
    "gen_ai.tool.call.arguments": _ANY,
    "gen_ai.tool.call.result": _ANY,
}


def check(values: Mapping[str, Any]) -> None:
    """Fail where a content attribute is not shaped as the conventions say."""
    for name, value in values.items():
        jsonschema.validate(value, SCHEMAS[name])


def of_span(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The content attributes of a span, parsed and checked."""
    found = {
        name: value if name.endswith("query.text") else json.loads(value)
        for name, value in (attributes or {}).items()
        if name in SCHEMAS
    }
    check(found)
    return found


def of_event(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same of an event, where they are structured."""
    found = {name: _plain(attributes[name]) for name in attributes or {} if name in SCHEMAS}
    check(found)
    return found


def _plain(value: Any) -> Any:
    """The SDK keeps lists as tuples, and mappings as its own."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def unknown_fields() -> dict[str, set[str]]:
    """Fields of our schemas that the classes of the conventions' package do not have."""
    return {
        name: set(schema["properties"])
        - {field.name for field in dataclasses.fields(_CLASSES[name])}
        - set(EXTRAS)
        for name, schema in PARTS.items()
    }
