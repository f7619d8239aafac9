"""The arguments of a call → what was asked. One reader for each argument, whatever the call's kind."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from litellm_otel.model.content import Blob, Content, Message, Part, Text, Tool
from litellm_otel.reading.content.messages import Messages
from litellm_otel.reading.content.parts import Parts, modality_of, plain
from litellm_otel.reading.shapes import field_of, items_of, text_of

TOOL: Final = "execute_tool"
"""The operation of a tool's call."""
_BODIES: Final = ("json", "data", "content")
"""Arguments of a pass-through that may hold a whole request."""
_FILES: Final = {
    "transcription": (("file", "audio"),),
    "image_edit": (("image", "image"), ("mask", "image")),
    "image_variation": (("image", "image"),),
}
"""Operations whose prompt is a file, or has one beside it."""


class Requests:
    """Reads what was asked into a `Content`."""

    def __init__(self, parts: Parts, messages: Messages) -> None:
        self._parts = parts
        self._messages = messages
        self._readers: dict[str, Callable[[Content, object], None]] = {
            "messages": self._chat,
            "input": self._input,
            "prompt": self._prompt,
            "contents": self._contents,
            "system": self._system,
            "instructions": self._system,
            "additional_instructions": self._system,
            "systemInstruction": self._google_system,
            "system_instruction": self._google_system,
            "query": self._query,
            "documents": self._documents,
            "document": self._document,
            "request": self._agent,
            "code": self._prompt,
            "questions": self._prompt,
            "state": self._prompt,
        }

    def read(self, arguments: Mapping[str, Any], names: Iterable[str], operation: str) -> Content:
        """What these arguments say. Those that are named are looked at, and tools and files."""
        content = Content()
        if operation == TOOL:
            content.arguments = plain(arguments.get("arguments"))
            return content
        for name in names:
            value = arguments.get(name)
            if value is None:
                continue
            if name in _BODIES and isinstance(value, Mapping):
                self._body(content, cast("Mapping[str, Any]", value))
            elif name in self._readers:
                self._readers[name](content, value)
            elif name == "content":
                self._prompt(content, value)
        self._files(content, arguments, _FILES.get(operation, ()))
        self._tools(content, arguments)
        return content

    def _body(self, content: Content, body: Mapping[str, Any]) -> None:
        for name, reader in self._readers.items():
            if body.get(name) is not None:
                reader(content, body[name])
        self._tools(content, body)

    # -- messages ----------------------------------------------------------------------------------

    def _chat(self, content: Content, messages: object) -> None:
        if isinstance(messages, str):
            content.input.append(Message("user", [Text(messages)]))
            return
        content.input.extend(self._messages.chat(message) for message in items_of(messages))

    def _contents(self, content: Content, contents: object) -> None:
        content.input.extend(self._messages.google(contents))

    def _prompt(self, content: Content, prompt: object) -> None:
        texts = (prompt,) if isinstance(prompt, str) else items_of(prompt)
        for text in texts:
            if isinstance(text, str):
                content.input.append(Message("user", [Text(text)]))

    def _input(self, content: Content, given: object) -> None:
        """Texts to embed, to speak or to judge, or the items of the Responses API."""
        if isinstance(given, str):
            content.input.append(Message("user", [Text(given)]))
            return
        loose: list[Part] = []
        for item in items_of(given):
            if isinstance(item, str):
                loose.append(Text(item))
            elif text_of(field_of(item, "type")) in ("text", "image_url"):
                loose.extend(self._parts.of(item))
            elif not isinstance(item, (int, list)):
                content.input.append(self._messages.item(item))
        if loose:
            content.input.append(Message("user", loose))

    def _agent(self, content: Content, request: object) -> None:
        message = field_of(field_of(request, "params"), "message")
        role = "assistant" if _word(field_of(message, "role")) == "agent" else "user"
        parts = [agent_part(part, self._parts) for part in items_of(field_of(message, "parts"))]
        if parts:
            content.input.append(Message(role, [part for part in parts if part is not None]))

    # -- instructions --------------------------------------------------------------------------------

    def _system(self, content: Content, instructions: object) -> None:
        content.system.extend(self._parts.of(instructions))

    def _google_system(self, content: Content, instructions: object) -> None:
        for turn in self._messages.google(instructions):
            content.system.extend(turn.parts)

    # -- searches --------------------------------------------------------------------------------------

    def _query(self, content: Content, query: object) -> None:
        if isinstance(query, str):
            content.query = query
        else:
            texts = [text for text in items_of(query) if isinstance(text, str)]
            content.query = "\n".join(texts) or None

    def _documents(self, content: Content, documents: object) -> None:
        parts: list[Part] = []
        for document in items_of(documents):
            text = document if isinstance(document, str) else field_of(document, "text")
            if isinstance(text, str):
                parts.append(Text(text))
        if parts:
            content.input.append(Message("user", parts))

    def _document(self, content: Content, document: object) -> None:
        content.input.append(Message("user", self._parts.of(document)))

    # -- files and tools ---------------------------------------------------------------------------------

    @staticmethod
    def _files(
        content: Content, arguments: Mapping[str, Any], files: Iterable[tuple[str, str]]
    ) -> None:
        parts: list[Part] = []
        for name, modality in files:
            given = arguments.get(name)
            if given is not None and not isinstance(given, (str, bool)):
                parts.extend(_file(item, modality) for item in _one_or_more(given))
        if parts:
            content.input.append(Message("user", parts))

    def _tools(self, content: Content, arguments: Mapping[str, Any]) -> None:
        config = arguments.get("config") or arguments.get("generationConfig")
        self._config(content, config)
        for name in ("tools", "functions"):
            for tool in items_of(arguments.get(name)):
                content.tools.extend(tools_of(tool))

    def _config(self, content: Content, config: object) -> None:
        if config is None:
            return
        for name in ("system_instruction", "systemInstruction"):
            given = field_of(config, name)
            if given is not None and not content.system:
                self._google_system(content, given)
        for tool in items_of(field_of(config, "tools")):
            content.tools.extend(tools_of(tool))


def tools_of(tool: object) -> list[Tool]:
    """What a definition of a tool defines: one, or Google's several."""
    declared = field_of(tool, "function_declarations") or field_of(tool, "functionDeclarations")
    if declared is not None:
        return [_function(each) for each in items_of(declared)]
    about = field_of(tool, "function")
    if about is not None:
        return [_function(about)]
    kind = text_of(field_of(tool, "type"))
    name = text_of(field_of(tool, "name"))
    if kind in (None, "function", "custom") and name:
        return [_function(tool)]
    if kind is None:
        fields = list(cast("Mapping[str, Any]", tool)) if isinstance(tool, Mapping) else []
        return [Tool("provider", str(key)) for key in fields]  # Google's: {"google_search": {}}
    return [Tool(kind, name or text_of(field_of(tool, "server_label")) or kind)]


def _function(about: object) -> Tool:
    parameters = field_of(about, "parameters")
    if parameters is None:
        parameters = field_of(about, "input_schema")
    if parameters is None:
        parameters = field_of(about, "parameters_json_schema")
    return Tool(
        "function",
        str(field_of(about, "name") or ""),
        text_of(field_of(about, "description")),
        plain(parameters),
    )


def agent_part(part: object, parts: Parts) -> Part | None:
    """A part of a message between agents."""
    inner = field_of(part, "root") or part
    text = field_of(inner, "text")
    if isinstance(text, str):
        return Text(text)
    file = field_of(inner, "file")
    if file is not None:
        mime = text_of(field_of(file, "mimeType")) or text_of(field_of(file, "mime_type"))
        uri = text_of(field_of(file, "uri"))
        if uri is not None:
            return parts.url(uri, modality_of(mime), mime)
        return parts.blob(str(field_of(file, "bytes") or ""), modality_of(mime), mime)
    return None


def _file(given: object, modality: str) -> Blob:
    """A file as it is handed to be sent: bytes, a handle, or a tuple of name and either."""
    mime: str | None = None
    if isinstance(given, tuple):
        members = cast("tuple[object, ...]", given)
        mime = members[2] if len(members) > 2 and isinstance(members[2], str) else None
        given = members[1] if len(members) > 1 else None
    if isinstance(given, io.BytesIO):
        return Blob(modality, mime, given.getbuffer().nbytes)
    return Blob(modality, mime, len(given) if isinstance(given, (bytes, bytearray)) else None)


def _one_or_more(value: object) -> Iterable[object]:
    return cast("Iterable[object]", value) if isinstance(value, list) else (value,)


def _word(value: object) -> str | None:
    return text_of(getattr(value, "value", value))
