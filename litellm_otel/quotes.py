"""Takes what is known word for word, prompts and secrets, out of texts that quote it.

Errors of providers repeat what they were sent: whole or in part, as it was or escaped for JSON or
Python. And LiteLLM writes them into its log lines, a moment later and from another thread; so what a
failed call said is remembered for a while, for those lines.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONTENT: Final = "[CONTENT]"
REDACTED: Final = "[REDACTED]"
MIN_LENGTH: Final = 8
"""A shorter piece is left where it is: it would match by chance."""
WINDOW: Final = 16
"""Of a longer piece, every run of twice as many characters is found, wherever it was cut."""
MAX_CONTENT: Final = 262_144
"""Characters of content that are looked for."""
MAX_REMEMBERED: Final = 16_384
"""The same of a call that is remembered."""

# What escaping changes; between these, a text looks the same in JSON, in Python's repr and in both.
_ESCAPED: Final = re.compile(r"[\"'\\\x00-\x1f\x7f]+")
# What may stand between two quoted pieces of one content.
_BETWEEN: Final = re.compile(r"[\"'\\\s]{0,8}(?:[ntr][\"'\\\s]{0,8}){0,4}")

Span = tuple[int, int]


def without_content(text: str, contents: Iterable[str]) -> str:
    """The text without what it quotes of the contents."""
    return _without(text, list(_pieces(contents, MAX_CONTENT)))


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, also as they look in URLs, in JSON and in base64."""
    for form in _forms(secrets):
        if form in text:
            text = text.replace(form, REDACTED)
    return text


class _Piece:
    """A piece of content that looks the same however it is escaped."""

    __slots__ = ("text", "windows")

    def __init__(self, text: str) -> None:
        self.text = text
        self.windows: set[str] = (
            {text[at : at + WINDOW] for at in range(0, len(text) - WINDOW + 1, WINDOW)}
            if len(text) >= 2 * WINDOW
            else set()
        )


def _pieces(contents: Iterable[str], most: int) -> Iterator[_Piece]:
    for content in contents:
        if most <= 0:
            return
        for text in _ESCAPED.split(content[:most]):
            if len(text) < MIN_LENGTH:
                continue
            yield _Piece(text)
            if not text.isascii():
                escaped = json.dumps(text)[1:-1]
                yield _Piece(escaped)
                yield _Piece(escaped.replace("\\", "\\\\"))
        most -= len(content)


def _without(text: str, pieces: Iterable[_Piece]) -> str:
    grams: set[str] | None = None
    found: list[Span] = []
    for piece in pieces:
        if piece.text in text:
            found.extend(_everywhere(text, piece.text))
        elif piece.windows:
            if grams is None:
                grams = {text[at : at + WINDOW] for at in range(len(text) - WINDOW + 1)}
            if not grams.isdisjoint(piece.windows):
                found.extend(_parts(text, piece.text, grams))
    return _cut(text, found) if found else text


def _everywhere(text: str, piece: str) -> Iterator[Span]:
    at = text.find(piece)
    while at >= 0:
        yield at, at + len(piece)
        at = text.find(piece, at + len(piece))


def _parts(text: str, piece: str, grams: set[str]) -> Iterator[Span]:
    """Where the text has a part of the piece."""
    for at in range(0, len(piece) - WINDOW + 1, WINDOW):
        window = piece[at : at + WINDOW]
        if window not in grams:
            continue
        for start, end in _everywhere(text, window):
            first, begin = at, start
            while first and begin and piece[first - 1] == text[begin - 1]:
                first, begin = first - 1, begin - 1
            last, stop = at + WINDOW, end
            while last < len(piece) and stop < len(text) and piece[last] == text[stop]:
                last, stop = last + 1, stop + 1
            yield begin, stop


def _cut(text: str, found: list[Span]) -> str:
    kept: list[str] = []
    end = 0
    for start, stop in sorted(found):
        if stop <= end:
            continue
        if not kept or (start > end and not _BETWEEN.fullmatch(text, end, start)):
            kept.extend((text[end:start], CONTENT))
        end = stop
    return "".join((*kept, text[end:]))


def _forms(secrets: Iterable[str]) -> Iterator[str]:
    """Each secret as it looks here and there, those first that contain others."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) < MIN_LENGTH:
            continue
        yield secret
        if not secret.isalnum():
            yield quote(secret, safe="")
            yield json.dumps(secret)[1:-1]
        coded = secret.encode()
        # Whatever stands before it, the middle of its base64 is one of three.
        for shift in range(3):
            whole = (len(coded) + shift) // 3 * 4
            yield base64.b64encode(b"\0" * shift + coded).decode()[4 if shift else 0 : whole]


class Recent:
    """What the calls said that failed a moment ago."""

    def __init__(self, calls: int = 32, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: deque[tuple[float, tuple[_Piece, ...], tuple[str, ...]]] = deque(maxlen=calls)

    def remember(self, contents: Iterable[str], secrets: Iterable[str]) -> None:
        pieces = tuple(_pieces(contents, MAX_REMEMBERED))
        with self._lock:
            self._kept.append((time.monotonic(), pieces, tuple(_forms(secrets))))

    def taken_out(self, text: str, *, contents: bool = True) -> str:
        """The text without any of it; without the secrets only, if ``contents`` are to stay."""
        if not self._kept:
            return text
        oldest = time.monotonic() - self._seconds
        with self._lock:
            while self._kept and self._kept[0][0] < oldest:
                self._kept.popleft()
            kept = list(self._kept)
        if contents:
            text = _without(text, (piece for _, pieces, _ in kept for piece in pieces))
        forms: dict[str, None] = dict.fromkeys(form for _, _, each in kept for form in each)
        for form in forms:
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def clear(self) -> None:
        self._kept.clear()


recent: Final = Recent()
