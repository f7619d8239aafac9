"""Messages, whether asked or answered, in the words of each API → messages of the conventions."""

from __future__ import annotations

from typing import Any, Final, cast

from litellm_otel.model.content import (
    Blob,
    Compaction,
    Message,
    Other,
    Part,
    Reasoning,
    ServerToolCall,
    Text,
    ToolCall,
    ToolCallResponse,
)
from litellm_otel.reading.content.parts import Parts, parsed, plain
from litellm_otel.reading.shapes import field_of, items_of, text_of

_ROLES: Final = {"model": "assistant", "function": "tool"}
_FINISH_REASONS: Final = {
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "safety": "content_filter",
    "guardrail_intervened": "content_filter",
}
_ANSWERS: Final = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")
_SECRET_FIELDS: Final = frozenset(
    {"encrypted_content", "headers", "authorization", "server_url", "signature"}
)


def finish_reason_of(reason: object) -> str:
    """The conventions' word for why an answer ended; "error" where it did not end well."""
    word = text_of(getattr(reason, "value", reason))
    if word is None:
        return "error"
    return _FINISH_REASONS.get(word.lower(), word.lower())


class Messages:
    """Reads messages of any API."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # -- chat completions and Anthropic's messages -----------------------------------------------

    def chat(self, message: object) -> Message:
        """A message of a chat: OpenAI's or Anthropic's, of a request or of an answer."""
        role = text_of(field_of(message, "role")) or "user"
        parts: list[Part] = []
        reasoning = field_of(message, "reasoning_content")
        if isinstance(reasoning, str) and reasoning:
            parts.append(Reasoning(reasoning))
        else:
            parts.extend(self._parts.of(field_of(message, "thinking_blocks")))
        content = field_of(message, "content")
        answered = text_of(field_of(message, "tool_call_id"))
        if role in ("tool", "function"):
            parts.append(ToolCallResponse(self._tool_answer(content), answered))
        else:
            parts.extend(self._parts.of(content))
        refusal = text_of(field_of(message, "refusal"))
        if refusal:
            parts.append(Text(refusal))
        parts.extend(self._parts.of(field_of(message, "images")))
        audio = field_of(message, "audio")
        if audio is not None:
            parts.append(self.audio(audio))
        parts.extend(self.tool_calls(message))
        return Message(_ROLES.get(role, role), parts, text_of(field_of(message, "name")))

    def _tool_answer(self, content: object) -> object:
        if isinstance(content, str):
            return parsed(content) if content[:1] in "{[" else content
        parts = self._parts.of(content)
        return "\n".join(part.content for part in parts if isinstance(part, Text))

    def audio(self, audio: object) -> Blob:
        """What a model says aloud, with what it says."""
        data = text_of(field_of(audio, "data")) or ""
        transcript = text_of(field_of(audio, "transcript"))
        return self._parts.blob(data, "audio", None, transcript)

    @staticmethod
    def tool_calls(message: object) -> list[Part]:
        """The tools that an answer of a chat wants called."""
        parts: list[Part] = []
        for call in items_of(field_of(message, "tool_calls")):
            about = field_of(call, "function") or field_of(call, "custom")
            arguments = field_of(about, "arguments")
            if arguments is None:
                arguments = field_of(about, "input")
            name = str(field_of(about, "name") or "")
            parts.append(ToolCall(name, text_of(field_of(call, "id")), parsed(arguments)))
        called = field_of(message, "function_call")
        if called is not None and field_of(called, "name"):
            arguments = parsed(field_of(called, "arguments"))
            parts.append(ToolCall(str(field_of(called, "name")), None, arguments))
        return parts

    # -- the Responses API -----------------------------------------------------------------------

    def item(self, item: object) -> Message:
        """One item of a conversation of the Responses API."""
        kind = text_of(field_of(item, "type")) or "message"
        if kind == "message":
            role = text_of(field_of(item, "role")) or "user"
            return Message(role, self._parts.of(field_of(item, "content")))
        if kind in _ANSWERS:
            output = field_of(item, "output")
            answer = output if isinstance(output, str) else self._tool_answer(output)
            return Message("tool", [ToolCallResponse(answer, text_of(field_of(item, "call_id")))])
        role = "user" if kind.startswith("input_") else "assistant"
        return Message(role, self._of_item(item, kind))

    def _of_item(self, item: object, kind: str) -> list[Part]:
        identifier = text_of(field_of(item, "call_id")) or text_of(field_of(item, "id"))
        name = str(field_of(item, "name") or "")
        if kind == "function_call":
            return [ToolCall(name, identifier, parsed(field_of(item, "arguments")))]
        if kind == "custom_tool_call":
            return [ToolCall(name, identifier, parsed(field_of(item, "input")))]
        if kind == "reasoning":
            texts = [*items_of(field_of(item, "content")), *items_of(field_of(item, "summary"))]
            said = [str(field_of(text, "text") or "") for text in texts]
            return [Reasoning(text) for text in said if text]
        if kind == "compaction":
            return [Compaction(identifier)]
        if kind.endswith("_call"):
            about = plain(item)
            fields = cast("dict[str, Any]", about) if isinstance(about, dict) else {}
            call = {
                key: value
                for key, value in fields.items()
                if value is not None and key not in ("id", "call_id", *_SECRET_FIELDS)
            }
            name = name or kind.removesuffix("_call")
            return [ServerToolCall(name, {**call, "type": kind}, identifier)]
        return [self._parts.block(item) or Other(kind)]

    def response_output(self, items: object) -> list[Part]:
        """The output of the Responses API, which is one answer in several items."""
        return [part for item in items_of(items) for part in self.item(item).parts]

    def step(self, step: object) -> list[Part]:
        """A step of one of Google's interactions."""
        kind = text_of(field_of(step, "type")) or ""
        if kind == "thought":
            texts = [field_of(each, "text") for each in items_of(field_of(step, "summary"))]
            return [Reasoning(text) for text in texts if isinstance(text, str)]
        if kind == "user_input":
            return []
        content = field_of(step, "content")
        return self._parts.of(content) if content is not None else self._of_item(step, kind)

    # -- Google ------------------------------------------------------------------------------------

    def google(self, contents: object) -> list[Message]:
        """Google's contents: a text, parts, or turns made of parts."""
        if isinstance(contents, str):
            return [Message("user", [Text(contents)])]
        turns: list[Message] = []
        for turn in items_of(contents) or ((contents,) if contents is not None else ()):
            parts = field_of(turn, "parts")
            if parts is None:
                turns.append(Message("user", self._parts.of(turn)))
                continue
            role = text_of(field_of(turn, "role")) or "user"
            turns.append(Message(_ROLES.get(role, role), self._parts.of(parts)))
        return turns
