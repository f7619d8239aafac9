"""The events of a session over a websocket → its conversation, as far as it came.

Realtime sessions and the Responses API's: what the client sent and was sent, in OpenAI's words, into which
LiteLLM translates those of other providers. Sound is never kept, only its size and what was said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, cast

from litellm_otel.boundary import guarded
from litellm_otel.model.content import Blob, Content, Message, Part, Text, Tool
from litellm_otel.reading.content.history import History
from litellm_otel.reading.content.messages import Messages
from litellm_otel.reading.content.parts import Parts
from litellm_otel.reading.content.requests import tools_of
from litellm_otel.reading.content.session_answers import (
    AUDIO,
    ENDS,
    ITEMS,
    PIECES,
    SOUNDS,
    TRANSCRIPTS,
    Answer,
    bytes_of,
    why_ended,
)
from litellm_otel.reading.content.streamed import Streamed
from litellm_otel.reading.shapes import field_of, items_of, text_of

MAX_OPEN: Final = 4
"""Answers that come at the same time."""
_OF_ANSWERS: Final = ITEMS | SOUNDS | TRANSCRIPTS | PIECES.keys()
_BASE64: Final = re.compile(r'"(audio|delta)"\s*:\s*"([A-Za-z0-9+/=_-]{256,})"')
"""Of what is so long only the size is wanted: it is taken out before an event is parsed."""
_TRANSCRIPT: Final = "conversation.item.input_audio_transcription"


class Session:
    """What is said in one session, while it goes on."""

    def __init__(self, parts: Parts, messages: Messages, streamed: Streamed) -> None:
        self._parts = parts
        self._messages = messages
        self._streamed = streamed
        self._system: list[Part] = []
        self._tools: list[Tool] = []
        self._history = History()
        self._answers: dict[object, Answer] = {}
        self._unsent = 0
        """Bytes of sound that the client has sent, and not said that it is all."""
        self._readers: dict[str, Callable[[dict[str, Any]], None]] = {
            "session.update": self._session,
            "session.created": self._session,
            "session.updated": self._session,
            "input_audio_buffer.append": self._sound_sent,
            "input_audio_buffer.cleared": self._sound_dropped,
            "input_audio_buffer.committed": self._sound_finished,
            "conversation.item.create": self._item_sent,
            "conversation.item.created": self._item_named,
            "conversation.item.added": self._item_named,
            f"{_TRANSCRIPT}.delta": self._transcribed,
            f"{_TRANSCRIPT}.completed": self._transcribed,
            "response.create": self._asked,
        }

    @guarded
    def heard(self, frame: str) -> None:
        """One message of either side."""
        try:
            event = json.loads(_BASE64.sub(_size_only, frame))
        except ValueError:
            return
        kind = text_of(field_of(event, "type"))
        if kind is None:
            return
        if kind in self._readers:
            self._readers[kind](event)
        elif kind in _OF_ANSWERS:
            # The Responses API names no response in them: it gives one at a time.
            self._answer(event.get("response_id")).heard(kind, event, len(frame))
        elif kind in ENDS:
            self._answered(event.get("response"))

    def put_into(self, content: Content) -> None:
        """All of it so far: the last answer as what is answered, all that came before as what is asked."""
        said = self._history.messages()
        unfinished = (answer.message(self._streamed) for answer in self._answers.values())
        said.extend(message for message in unfinished if message is not None)
        last = next((at for at in reversed(range(len(said))) if said[at].finish_reason), None)
        content.output = [] if last is None else [said.pop(last)]
        # As a part of the history an answer is a message like others: with no reason why it ended.
        content.input = [Message(each.role, each.parts, each.name) for each in said]
        content.system, content.tools = self._system, self._tools
        content.left_out = self._history.left_out

    # -- what the client says ----------------------------------------------------------------------

    def _session(self, event: dict[str, Any]) -> None:
        self._told_how(event.get("session"))

    def _told_how(self, about: object) -> None:
        """Instructions and tools, which hold until there are others."""
        instructions = self._parts.of(field_of(about, "instructions"))
        tools = [tool for each in items_of(field_of(about, "tools")) for tool in tools_of(each)]
        self._system, self._tools = instructions or self._system, tools or self._tools

    def _asked(self, event: dict[str, Any]) -> None:
        """An answer is wanted: to what is said in here, or to what was said before."""
        for about in (event, event.get("response")):
            self._told_how(about)
            given = field_of(about, "input")
            if isinstance(given, str):
                self._history.add(Message("user", [Text(given)]))
            for item in items_of(given):
                self._history.add(self._item(item))

    def _item_sent(self, event: dict[str, Any]) -> None:
        item = event.get("item")
        message = self._item(item)
        self._history.add(message)
        for part in message.parts:
            if isinstance(part, Blob) and part.modality == "audio" and not part.transcript:
                self._history.recorded(part, text_of(field_of(item, "id")))

    def _item_named(self, event: dict[str, Any]) -> None:
        item = event.get("item")
        identifier, blocks = text_of(field_of(item, "id")), items_of(field_of(item, "content"))
        spoken = any(field_of(block, "type") in AUDIO for block in blocks)
        if identifier is not None and spoken and field_of(item, "role") == "user":
            self._history.named(identifier)

    def _sound_sent(self, event: dict[str, Any]) -> None:
        self._unsent += bytes_of(event.get("audio")) or 0

    def _sound_dropped(self, _: dict[str, Any]) -> None:
        self._unsent = 0

    def _sound_finished(self, event: dict[str, Any]) -> None:
        recording, self._unsent = Blob("audio", None, self._unsent or None), 0
        self._history.add(Message("user", [recording]))
        item = text_of(event.get("item_id"))
        if item is not None:
            self._history.recorded(recording, item)

    def _transcribed(self, event: dict[str, Any]) -> None:
        item, piece, whole = (event.get(name) for name in ("item_id", "delta", "transcript"))
        if isinstance(item, str) and isinstance(whole, str):
            self._history.transcribed(item, whole, whole=True)
        elif isinstance(item, str) and isinstance(piece, str):
            self._history.transcribed(item, piece, whole=False)

    # -- what is answered --------------------------------------------------------------------------

    def _answer(self, key: object) -> Answer:
        answer = self._answers.get(key)
        if answer is None:
            while len(self._answers) >= MAX_OPEN:
                del self._answers[next(iter(self._answers))]
            answer = self._answers[key] = Answer()
        return answer

    def _answered(self, response: object) -> None:
        nameless = self._answers.pop(None, None)
        answer = self._answers.pop(field_of(response, "id"), None) or nameless
        items = items_of(field_of(response, "output"))
        parts = [part for item in items for part in self._item(item).parts]
        message = Message("assistant", parts) if parts else None
        if answer is not None and message is not None:
            answer.measure(parts)
        elif answer is not None:
            message = answer.message(self._streamed)
        if message is not None:
            message.finish_reason = why_ended(response)
            self._history.add(message)

    # -- items -------------------------------------------------------------------------------------

    def _item(self, item: object) -> Message:
        """An item of either API; what is spoken in it by its size and its transcript."""
        blocks = field_of(item, "content")
        if field_of(item, "type") not in (None, "message") or not isinstance(blocks, list):
            return self._messages.item(item)
        parts: list[Part] = []
        for block in items_of(cast("object", blocks)):
            if field_of(block, "type") in AUDIO:
                size, said = bytes_of(field_of(block, "audio")), field_of(block, "transcript")
                parts.append(Blob("audio", None, size, None, text_of(said)))
            else:
                parts.extend(self._parts.of(block))
        return Message(text_of(field_of(item, "role")) or "user", parts)


def _size_only(found: re.Match[str]) -> str:
    return f'"{found[1]}":{{"size":{bytes_of(found[2])}}}'
