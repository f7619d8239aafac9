"""The messages of a session in their order, of which the newest are kept: it may go on for hours."""

from __future__ import annotations

from collections import deque
from typing import Final

from litellm_otel.model.content import Blob, Message

MAX_SIZE: Final = 1 << 20
"""Characters that are kept; one message that is longer than that is kept whole."""
MAX_MESSAGES: Final = 2_000
MAX_AWAITED: Final = 256
"""Recordings without a transcript that are kept track of."""


class History:
    """What was said in a session, within a size."""

    def __init__(self) -> None:
        self.left_out = 0
        """Messages that there was no room for."""
        self._said: deque[tuple[Message, int]] = deque()
        self._size = 0
        self._awaited: dict[str, Blob] = {}
        """What was said aloud, by its item, until it has been written down."""
        self._unnamed: deque[Blob] = deque(maxlen=MAX_AWAITED)

    def messages(self) -> list[Message]:
        return [message for message, _ in self._said]

    def add(self, message: Message) -> None:
        size = len(repr(message))
        self._said.append((message, size))
        self._size += size
        self._shed()

    # -- what was said aloud -----------------------------------------------------------------------

    def recorded(self, recording: Blob, item: str | None) -> None:
        """A transcript may come of this recording; ``item``: what the provider calls it, if known yet."""
        if item is None:
            self._unnamed.append(recording)
            return
        while len(self._awaited) >= MAX_AWAITED:
            del self._awaited[next(iter(self._awaited))]
        self._awaited[item] = recording

    def named(self, item: str) -> None:
        """The provider calls the first recording that has no name yet so."""
        if item not in self._awaited and self._unnamed:
            self.recorded(self._unnamed.popleft(), item)

    def transcribed(self, item: str, text: str, *, whole: bool) -> None:
        """What was said in it: a piece of that, or the whole."""
        recording = self._awaited.get(item)
        if recording is None:
            recording = Blob("audio")
            self.add(Message("user", [recording]))
            self.recorded(recording, item)
        before = recording.transcript or ""
        if whole:
            recording.transcript = text
            del self._awaited[item]
        elif len(before) < MAX_SIZE:
            recording.transcript = before + text
        self._grown(recording, len(recording.transcript or "") - len(before))

    def _grown(self, recording: Blob, by: int) -> None:
        for at in reversed(range(len(self._said))):
            message, size = self._said[at]
            if any(part is recording for part in message.parts):
                self._said[at] = message, size + by
                self._size += by
                self._shed()
                return

    def _shed(self) -> None:
        said = self._said
        while len(said) > 1 and (self._size > MAX_SIZE or len(said) > MAX_MESSAGES):
            self._size -= said.popleft()[1]
            self.left_out += 1
