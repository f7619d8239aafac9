"""Content → the shapes that OpenTelemetry's GenAI conventions give it, as plain JSON values."""

from __future__ import annotations

from typing import Any

from litellm_otel.emit import names
from litellm_otel.model.content import (
    Blob,
    Compaction,
    Content,
    Document,
    File,
    Message,
    Part,
    Reasoning,
    ServerToolCall,
    ServerToolCallResponse,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
)

Shape = dict[str, Any]


def attributes_of(content: Content) -> dict[str, Any]:
    """Every content attribute there is something for."""
    values: dict[str, Any] = {
        names.GEN_AI_INPUT_MESSAGES: [_message(each) for each in content.input],
        names.GEN_AI_OUTPUT_MESSAGES: [_message(each) for each in content.output],
        names.GEN_AI_SYSTEM_INSTRUCTIONS: [_part(each) for each in content.system],
        names.GEN_AI_TOOL_DEFINITIONS: [_tool(each) for each in content.tools],
        names.GEN_AI_RETRIEVAL_QUERY_TEXT: content.query,
        names.GEN_AI_RETRIEVAL_DOCUMENTS: [_document(each) for each in content.documents],
        names.GEN_AI_TOOL_CALL_ARGUMENTS: content.arguments,
        names.GEN_AI_TOOL_CALL_RESULT: content.result,
    }
    return {name: value for name, value in values.items() if value not in (None, [])}


def _message(message: Message) -> Shape:
    shape: Shape = {"role": message.role, "parts": [_part(part) for part in message.parts]}
    return shape | _known(name=message.name, finish_reason=message.finish_reason)


def _part(part: Part) -> Shape:
    match part:
        case Text():
            return {"type": "text", "content": part.content}
        case Reasoning():
            return {"type": "reasoning", "content": part.content}
        case ToolCall():
            shape: Shape = {"type": "tool_call", "name": part.name}
            return shape | _known(id=part.id, arguments=part.arguments)
        case ToolCallResponse():
            return {"type": "tool_call_response", "response": part.response} | _known(id=part.id)
        case ServerToolCall():
            shape = {"type": "server_tool_call", "name": part.name, "server_tool_call": part.call}
            return shape | _known(id=part.id)
        case ServerToolCallResponse():
            shape = {
                "type": "server_tool_call_response",
                "server_tool_call_response": part.response,
            }
            return shape | _known(id=part.id)
        case Blob():
            # The conventions require the content; "" with the size beside it is data left out.
            shape = {"type": "blob", "modality": part.modality, "content": part.data or ""}
            about = _known(mime_type=part.mime_type, size=part.size, transcript=part.transcript)
            return shape | about
        case Uri():
            shape = {"type": "uri", "modality": part.modality, "uri": part.uri}
            return shape | _known(mime_type=part.mime_type)
        case File():
            shape = {"type": "file", "modality": part.modality, "file_id": part.file_id}
            return shape | _known(mime_type=part.mime_type)
        case Compaction():
            return {"type": "compaction"} | _known(id=part.id, content=part.content)
        case _:
            return {"type": part.type}


def _tool(tool: Tool) -> Shape:
    shape: Shape = {"type": tool.type, "name": tool.name}
    return shape | _known(description=tool.description, parameters=tool.parameters)


def _document(document: Document) -> Shape:
    return _known(id=document.id, score=document.score, content=document.content)


def _known(**fields: Any) -> Shape:
    return {name: value for name, value in fields.items() if value is not None}
