"""The readers of content, and the shapes that they are to make of what they read."""

from __future__ import annotations

import json
from typing import Any

from litellm_otel.emit.content_shapes import attributes_of
from litellm_otel.model.content import Content
from litellm_otel.reading.content.answers import Answers
from litellm_otel.reading.content.messages import Messages
from litellm_otel.reading.content.parts import Parts
from litellm_otel.reading.content.requests import Requests
from litellm_otel.reading.content.streamed import Streamed
from tests import content_conventions

CALLED = {"name": "weather", "arguments": '{"city": "B"}'}
PNG = "iVBORw0KGgo="
DATA_URL = f"data:image/png;base64,{PNG}"
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
SYSTEM, TOOLS = "gen_ai.system_instructions", "gen_ai.tool.definitions"
QUERY, DOCUMENTS = "gen_ai.retrieval.query.text", "gen_ai.retrieval.documents"
ARGUMENTS, RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def answer(*parts: dict[str, Any], reason: str = "stop") -> dict[str, Any]:
    return {"role": "assistant", "parts": list(parts), "finish_reason": reason}


def blob(**more: Any) -> dict[str, Any]:
    return {"type": "blob", "modality": "image", "content": "", "mime_type": "image/png", **more}


def tool_call(**more: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": "weather", "id": "c1", "arguments": {"city": "B"}, **more}


def readers(blobs: bool = False) -> tuple[Requests, Answers, Streamed]:
    parts = Parts(blobs)
    messages = Messages(parts)
    answers = Answers(parts, messages)
    return Requests(parts, messages), answers, Streamed(parts, messages, answers)


def shaped(content: Content) -> dict[str, Any]:
    values = attributes_of(content)
    content_conventions.check(values)
    json.dumps(values)
    return values


def asked(
    *names: str, operation: str = "chat", blobs: bool = False, **given: Any
) -> dict[str, Any]:
    return shaped(readers(blobs)[0].read(given, names or tuple(given), operation))


def answered(result: Any, tool: bool = False, blobs: bool = False) -> dict[str, Any]:
    content = Content()
    readers(blobs)[1].read(content, result, tool)
    return shaped(content)


def streamed(*chunks: Any) -> dict[str, Any]:
    content = Content()
    readers()[2].read(content, chunks)
    return shaped(content)
