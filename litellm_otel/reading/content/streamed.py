"""The chunks of a stream → what was answered, as far as it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litellm_otel.model.content import Content, Message, Part, Reasoning, Text, ToolCall
from litellm_otel.reading.content.answers import Answers
from litellm_otel.reading.content.messages import Messages, finish_reason_of
from litellm_otel.reading.content.parts import Parts, parsed
from litellm_otel.reading.events import objects_in
from litellm_otel.reading.shapes import count_of, field_of, items_of, text_of

_WHOLE: Final = (
    "response.completed",
    "response.incomplete",
    "response.failed",
    "interaction.completed",
)
_PIECES: Final = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "text",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.function_call_arguments.delta": "arguments",
}


class _Piece:
    """One part of an answer while it grows."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.texts: list[str] = []
        self.name = ""
        self.id: str | None = None
        self.whole: list[Part] | None = None
        """The part as the provider sent it when it was complete."""

    def parts(self) -> list[Part]:
        if self.whole is not None:
            return self.whole
        text = "".join(self.texts)
        if self.kind == "tool":
            return [ToolCall(self.name, self.id, parsed(text) if text else None)]
        if not text:
            return []
        return [Reasoning(text) if self.kind == "reasoning" else Text(text)]


class _Answer:
    """One choice while it grows: its parts in the order in which they began."""

    def __init__(self) -> None:
        self.pieces: dict[object, _Piece] = {}
        self.reason: object = None

    def piece(self, key: object, kind: str) -> _Piece:
        piece = self.pieces.get(key)
        if piece is None:
            piece = self.pieces[key] = _Piece(kind)
        return piece

    def say(self, key: object, kind: str, text: object) -> None:
        if isinstance(text, str) and text:
            self.piece(key, kind).texts.append(text)

    def message(self) -> Message:
        parts = [part for piece in self.pieces.values() for part in piece.parts()]
        return Message("assistant", parts, None, finish_reason_of(self.reason))


class Streamed:
    """Puts the answers of streams together."""

    def __init__(self, parts: Parts, messages: Messages, answers: Answers) -> None:
        self._parts = parts
        self._messages = messages
        self._answers = answers

    def read(self, content: Content, chunks: Sequence[object]) -> None:
        """What these chunks say."""
        choices: dict[int, _Answer] = {}
        for chunk in objects_in(chunks):
            if field_of(chunk, "choices") is not None:
                self._choices(choices, chunk)
            elif field_of(chunk, "candidates") is not None:
                self._candidates(choices, chunk)
            else:
                kind = field_of(chunk, "type") or field_of(chunk, "event_type")
                word = text_of(getattr(kind, "value", kind)) or ""
                whole = field_of(chunk, "response") or field_of(chunk, "interaction")
                if word in _WHOLE and (field_of(whole, "output") or field_of(whole, "steps")):
                    self._answers.read(content, whole, tool=False)
                    return
                self._event(choices.setdefault(0, _Answer()), word, chunk)
        answers = [choices[index] for index in sorted(choices)]
        content.output.extend(answer.message() for answer in answers if answer.pieces)

    # -- chat and text completions -----------------------------------------------------------------

    def _choices(self, choices: dict[int, _Answer], chunk: object) -> None:
        for choice in items_of(field_of(chunk, "choices")):
            answer = choices.setdefault(count_of(field_of(choice, "index")) or 0, _Answer())
            answer.reason = field_of(choice, "finish_reason") or answer.reason
            delta = field_of(choice, "delta")
            if delta is None:
                answer.say("text", "text", field_of(choice, "text"))
                continue
            answer.say("reasoning", "reasoning", field_of(delta, "reasoning_content"))
            answer.say("text", "text", field_of(delta, "content"))
            answer.say("refusal", "text", field_of(delta, "refusal"))
            for call in items_of(field_of(delta, "tool_calls")):
                self._tool_call(answer, call, count_of(field_of(call, "index")) or 0)
            called = field_of(delta, "function_call")
            if called is not None:
                self._tool_call(answer, {"function": called}, -1)
            for image in items_of(field_of(delta, "images")):
                answer.piece(("image", len(answer.pieces)), "image").whole = self._parts.of(image)
            self._audio(answer, field_of(delta, "audio"))

    @staticmethod
    def _tool_call(answer: _Answer, call: object, index: int) -> None:
        piece = answer.piece(("tool", index), "tool")
        about = field_of(call, "function") or field_of(call, "custom")
        piece.id = text_of(field_of(call, "id")) or piece.id
        piece.name = text_of(field_of(about, "name")) or piece.name
        arguments = field_of(about, "arguments")
        answer.say(("tool", index), "tool", arguments or field_of(about, "input"))

    def _audio(self, answer: _Answer, audio: object) -> None:
        if audio is None:
            return
        piece = answer.piece("audio", "audio")
        before = piece.whole[0] if piece.whole else None
        new = self._messages.audio(audio)
        if before is not None:
            new.size = (getattr(before, "size", None) or 0) + (new.size or 0)
            new.transcript = (getattr(before, "transcript", None) or "") + (new.transcript or "")
            new.data = None  # base64 in pieces that each may have an end of its own
        piece.whole = [new]

    # -- Google --------------------------------------------------------------------------------------

    def _candidates(self, choices: dict[int, _Answer], chunk: object) -> None:
        for candidate in items_of(field_of(chunk, "candidates")):
            answer = choices.setdefault(count_of(field_of(candidate, "index")) or 0, _Answer())
            reason = field_of(candidate, "finish_reason") or field_of(candidate, "finishReason")
            answer.reason = reason or answer.reason
            for part in self._parts.of(field_of(field_of(candidate, "content"), "parts")):
                if isinstance(part, (Text, Reasoning)):
                    kind = "text" if isinstance(part, Text) else "reasoning"
                    answer.say(kind, kind, part.content)
                else:
                    answer.piece(len(answer.pieces), "part").whole = [part]

    # -- the Responses API and Anthropic's messages --------------------------------------------------

    def _event(self, answer: _Answer, kind: str, event: object) -> None:
        index = count_of(field_of(event, "output_index"))
        if kind in _PIECES:
            key = (_PIECES[kind], index) if _PIECES[kind] != "arguments" else ("tool", index)
            answer.say(key, "tool" if key[0] == "tool" else _PIECES[kind], field_of(event, "delta"))
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._item(answer, index, field_of(event, "item"), kind.endswith("done"))
        elif kind == "content_block_start":
            self._block(answer, field_of(event, "index"), field_of(event, "content_block"))
        elif kind in ("content_block_delta", "step.delta", "content.delta"):
            self._block_delta(answer, field_of(event, "index"), field_of(event, "delta"))
        elif kind == "message_delta":
            answer.reason = field_of(field_of(event, "delta"), "stop_reason") or answer.reason

    def _item(self, answer: _Answer, index: int | None, item: object, done: bool) -> None:
        if done:
            # What came of it in pieces is in it whole.
            for kind in ("text", "reasoning", "tool"):
                answer.pieces.pop((kind, index), None)
            answer.piece(("item", index), "part").whole = self._messages.item(item).parts
        elif field_of(item, "type") in ("function_call", "custom_tool_call"):
            piece = answer.piece(("tool", index), "tool")
            piece.name = str(field_of(item, "name") or "")
            piece.id = text_of(field_of(item, "call_id"))

    def _block(self, answer: _Answer, index: object, block: object) -> None:
        kind = text_of(field_of(block, "type"))
        if kind in ("tool_use", "server_tool_use"):
            piece = answer.piece(index, "tool")
            piece.name = str(field_of(block, "name") or "")
            piece.id = text_of(field_of(block, "id"))
        elif kind == "thinking":
            answer.piece(index, "reasoning")
        elif kind == "text":
            answer.say(index, "text", field_of(block, "text"))
        else:
            part = self._parts.block(block)
            answer.piece(index, "part").whole = [part] if part is not None else []

    @staticmethod
    def _block_delta(answer: _Answer, index: object, delta: object) -> None:
        for name, kind in (("text", "text"), ("thinking", "reasoning"), ("partial_json", "tool")):
            answer.say(index, kind, field_of(delta, name))
