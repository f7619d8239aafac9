"""The answers of a session while they come: put together from events, within a size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litellm_otel.model.content import Blob, Content, Message, Other, Part
from litellm_otel.reading.content.messages import finish_reason_of
from litellm_otel.reading.content.streamed import Streamed
from litellm_otel.reading.shapes import count_of, field_of, text_of

MAX_SIZE: Final = 1 << 18
"""Characters of an answer that are put together from its pieces; most answers come whole at their end."""
MAX_PARTS: Final = 256

AUDIO: Final = frozenset({"audio", "input_audio", "output_audio"})
"""Types of parts that are spoken."""
PIECES: Final = {
    "response.text.delta": "response.output_text.delta",
    **{
        kind: kind
        for kind in (
            "response.output_text.delta",
            "response.refusal.delta",
            "response.reasoning_text.delta",
            "response.reasoning_summary_text.delta",
            "response.function_call_arguments.delta",
        )
    },
}
"""Events that bring a piece of what is written, each with its name of today."""
SOUNDS: Final = frozenset({"response.output_audio.delta", "response.audio.delta"})
TRANSCRIPTS: Final = frozenset(
    {"response.output_audio_transcript.delta", "response.audio_transcript.delta"}
)
ITEMS: Final = frozenset({"response.output_item.added", "response.output_item.done"})
ENDS: Final = frozenset(
    {"response.done", "response.completed", "response.incomplete", "response.failed"}
)
_REASONS: Final = {"completed": "stop", "incomplete": "length", "cancelled": "cancelled"}


class Answer:
    """One response while it comes."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        """What is written, in events; pieces of the same part in one."""
        self._sounds: dict[object, Blob] = {}
        self._room = MAX_SIZE

    def heard(self, kind: str, event: Mapping[str, Any], size: int) -> None:
        """An event of the answer, of so many characters."""
        index = event.get("output_index")
        if kind in SOUNDS:
            sound = self._sound(index, event)
            sound.size = (sound.size or 0) + (bytes_of(event.get("delta")) or 0)
            return
        piece = event.get("delta")
        self._room -= len(piece) if isinstance(piece, str) else size
        if self._room < 0:
            return
        if kind in ITEMS:
            self._add({"type": kind, "output_index": index, "item": event.get("item")})
        elif not isinstance(piece, str):
            return
        elif kind in TRANSCRIPTS:
            sound = self._sound(index, event)
            sound.transcript = (sound.transcript or "") + piece
        else:
            last, named = self._events[-1] if self._events else {}, PIECES[kind]
            if (last.get("type"), last.get("output_index")) == (named, index):
                last["delta"] += piece
            else:
                self._add({"type": named, "output_index": index, "delta": piece})

    def _add(self, event: dict[str, Any]) -> None:
        if len(self._events) < MAX_PARTS:
            self._events.append(event)

    def _sound(self, index: object, event: Mapping[str, Any]) -> Blob:
        key = index, event.get("content_index")
        sound = self._sounds.get(key)
        if sound is None:
            sound = Blob("audio")
            if len(self._sounds) < MAX_PARTS:
                self._sounds[key] = sound
        return sound

    def measure(self, parts: list[Part]) -> None:
        """The whole answer has no sound in it: say how much there was."""
        spoken = (part for part in parts if isinstance(part, Blob) and part.modality == "audio")
        for part, sound in zip(spoken, self._sounds.values(), strict=False):
            part.size = sound.size if part.size is None else part.size

    def message(self, streamed: Streamed) -> Message | None:
        """The answer as far as it came."""
        told = Content()
        streamed.read(told, self._events)
        parts: list[Part] = [*self._sounds.values()]
        for said in told.output:
            # A spoken part, which is among the sounds.
            parts.extend(p for p in said.parts if not (isinstance(p, Other) and p.type in AUDIO))
        return Message("assistant", parts, None, "error") if parts else None


def why_ended(response: object) -> str:
    """The conventions' word for why this response ended."""
    status = text_of(field_of(response, "status")) or "completed"
    details = field_of(response, "incomplete_details") or field_of(response, "status_details")
    reason = field_of(details, "reason") if status == "incomplete" else None
    return finish_reason_of(reason or _REASONS.get(status))


def bytes_of(sound: object) -> int | None:
    """The size of what is base64, or was."""
    if isinstance(sound, str):
        return len(sound) * 3 // 4 - sound[-2:].count("=")
    return count_of(field_of(sound, "size"))
