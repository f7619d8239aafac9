"""The blocks that messages are made of, in the words of OpenAI, Anthropic and Google → parts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from litellm_otel.model.content import (
    Blob,
    Compaction,
    File,
    Other,
    Part,
    Reasoning,
    ServerToolCall,
    ServerToolCallResponse,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)
from litellm_otel.reading.shapes import field_of, items_of, text_of

_MAX_DEPTH: Final = 16
_BIGGEST: Final = 1 << 63
"""A number beyond it can't be sent as one."""
_TEXTS: Final = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
_MEDIA: Final = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "document": "document",
    "file": "document",
    "input_file": "document",
    "document_url": "document",
    "input_audio": "audio",
    "video_url": "video",
    "video": "video",
}


class Parts:
    """Reads parts. ``blobs``: whether to keep the data that is sent along, or only its size."""

    def __init__(self, blobs: bool = False) -> None:
        self._blobs = blobs

    def of(self, content: object) -> list[Part]:
        """The parts of a message's content: a text, one block, or several."""
        if isinstance(content, str):
            return [Text(content)] if content else []
        if content is None:
            return []
        parts: list[Part] = []
        several = isinstance(content, (list, tuple))
        for block in items_of(cast("object", content)) if several else (content,):
            part = Text(block) if isinstance(block, str) else self.block(block)
            if part is not None:
                parts.append(part)
        return parts

    def block(self, block: object) -> Part | None:
        """One block of a message; None for what the provider keeps secret."""
        kind = text_of(field_of(block, "type"))
        if kind is None:
            return self._google(block)
        if kind in _TEXTS:
            return Text(str(field_of(block, _TEXTS[kind]) or ""))
        if kind in _MEDIA:
            return self.media(block, kind)
        if kind == "thinking":
            return Reasoning(str(field_of(block, "thinking") or ""))
        if kind in ("redacted_thinking", "signature"):
            return None
        if kind == "tool_use":
            return ToolCall(
                str(field_of(block, "name") or ""),
                text_of(field_of(block, "id")),
                plain(field_of(block, "input")),
            )
        if kind == "tool_result":
            return ToolCallResponse(
                self._answer(field_of(block, "content")), text_of(field_of(block, "tool_use_id"))
            )
        if kind == "server_tool_use":
            name = str(field_of(block, "name") or "")
            called = {"type": name, "input": plain(field_of(block, "input"))}
            return ServerToolCall(name, called, text_of(field_of(block, "id")))
        if kind.endswith("_tool_result"):
            answer = {"type": kind, "content": plain(field_of(block, "content"))}
            return ServerToolCallResponse(answer, text_of(field_of(block, "tool_use_id")))
        if kind == "compaction":
            return Compaction(text_of(field_of(block, "id")), text_of(field_of(block, "content")))
        return Other(kind)

    def _answer(self, content: object) -> Any:
        """A tool's answer: text where it is only that, else what each block of it is."""
        parts = self.of(content)
        if all(isinstance(part, Text) for part in parts):
            return "\n".join(part.content for part in parts if isinstance(part, Text))
        return [
            {"type": "text", "text": part.content}
            if isinstance(part, Text)
            else {"type": "media" if isinstance(part, (Blob, Uri, File)) else "other"}
            for part in parts
        ]

    # -- data ------------------------------------------------------------------------------

    def media(self, block: object, kind: str) -> Part:
        """A block that carries data, points at it, or names a file."""
        modality = _MEDIA[kind]
        inner = field_of(block, kind)
        source = field_of(block, "source")
        for holder in (inner, source, block):
            if isinstance(holder, str):
                return self.url(holder, modality)
            if holder is None:
                continue
            mime = text_of(field_of(holder, "media_type")) or text_of(field_of(holder, "mime_type"))
            if mime is None and modality == "audio" and text_of(field_of(holder, "format")):
                mime = f"audio/{field_of(holder, 'format')}"
            for name in ("url", "image_url", "file_url", "document_url"):
                if text_of(field_of(holder, name)):
                    return self.url(field_of(holder, name), modality, mime)
            if text_of(field_of(holder, "file_id")):
                return File(modality, field_of(holder, "file_id"), mime)
            for name in ("data", "file_data"):
                data = field_of(holder, name)
                if text_of(data):
                    if field_of(holder, "type") == "text":
                        return Text(data)  # Anthropic's plain documents
                    read = self.url if data.startswith("data:") else self.blob
                    return read(data, modality, mime)
        return Other(kind)

    def url(self, url: str, modality: str, mime: str | None = None) -> Part:
        """What a URL points at, or holds."""
        if not url.startswith("data:"):
            return Uri(modality, url, mime)
        head, _, data = url.removeprefix("data:").partition(",")
        mime = head.split(";", 1)[0] or mime
        if ";base64" in head:
            return self.blob(data, modality, mime)
        return Blob(modality, mime, len(data))

    def blob(
        self, data: str, modality: str, mime: str | None = None, transcript: str | None = None
    ) -> Blob:
        """Base64, or how much of it there is."""
        size = len(data) * 3 // 4 - data[-2:].count("=")
        kept = data if self._blobs else None
        return Blob(modality, mime, size, kept, transcript)

    # -- Google ------------------------------------------------------------------------------

    def _google(self, part: object) -> Part | None:
        """A part of Google's, which has no type but one field that says what it is."""
        text = field_of(part, "text")
        if isinstance(text, str):
            return Reasoning(text) if field_of(part, "thought") is True else Text(text)
        called = _either(part, "function_call", "functionCall")
        if called is not None:
            return ToolCall(
                str(field_of(called, "name") or ""),
                text_of(field_of(called, "id")),
                plain(field_of(called, "args")),
            )
        answered = _either(part, "function_response", "functionResponse")
        if answered is not None:
            return ToolCallResponse(
                plain(field_of(answered, "response")), text_of(field_of(answered, "id"))
            )
        inline = _either(part, "inline_data", "inlineData")
        if inline is not None:
            mime = text_of(_either(inline, "mime_type", "mimeType"))
            data = field_of(inline, "data")
            if isinstance(data, bytes):
                return Blob(modality_of(mime), mime, len(data))
            return self.blob(str(data or ""), modality_of(mime), mime)
        file = _either(part, "file_data", "fileData")
        if file is not None:
            mime = text_of(_either(file, "mime_type", "mimeType"))
            uri = text_of(_either(file, "file_uri", "fileUri"))
            return Uri(modality_of(mime), uri or "", mime)
        code = _either(part, "executable_code", "executableCode")
        if code is not None:
            call = {"type": "code_execution", "code": plain(field_of(code, "code"))}
            return ServerToolCall("code_execution", call)
        outcome = _either(part, "code_execution_result", "codeExecutionResult")
        if outcome is not None:
            answer = {"type": "code_execution", "output": plain(field_of(outcome, "output"))}
            return ServerToolCallResponse(answer)
        return None


def _either(value: object, *names: str) -> Any:
    for name in names:
        found = field_of(value, name)
        if found is not None:
            return found
    return None


def modality_of(mime: str | None) -> str:
    """The modality that a media type belongs to."""
    kind = (mime or "").partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


def parsed(arguments: object) -> Any:
    """A tool's arguments: JSON parsed, and as they are where they are none."""
    if isinstance(arguments, str):
        try:
            return plain(json.loads(arguments))
        except (ValueError, RecursionError):
            return arguments
    return plain(arguments)


def plain(value: object, depth: int = _MAX_DEPTH) -> Any:
    """Mappings, lists and scalars; models by their fields; None for everything else."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if -_BIGGEST <= value < _BIGGEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth <= 0:
        return None
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        value = dump()
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {str(key): plain(item, depth - 1) for key, item in members.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(item, depth - 1) for item in cast("Sequence[object]", value)]
    return None
