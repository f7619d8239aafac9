"""Chunks of a stream → the JSON objects in it, wherever the network has cut the events that carry them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


def objects_in(chunks: Sequence[object], telling: tuple[bytes, ...] = ()) -> Iterator[Any]:
    """Chunks that are objects, as they are; of the bytes or text of server-sent events, their data.

    ``telling``: of lines in which none of these is, nothing is parsed.
    """
    begun: list[bytes] = []  # of the last line, which may go on; joined once, as it can be an image
    for chunk in chunks:
        if not isinstance(chunk, (bytes, str)):
            yield chunk
            continue
        piece = chunk.encode() if isinstance(chunk, str) else chunk
        if begun and begun[-1].endswith(b"}"):
            # Some of LiteLLM's streams are of lines without their ends.
            whole = list(_parsed((b"".join(begun),), ()))
            if whole:
                yield from whole
                begun.clear()
        if b"\n" not in piece:
            begun.append(piece)
            continue
        *lines, rest = piece.split(b"\n")
        lines[0] = b"".join((*begun, lines[0]))
        begun = [rest] if rest else []
        yield from _parsed(lines, telling)
    yield from _parsed((b"".join(begun),), telling)


def _parsed(lines: Iterable[bytes], telling: tuple[bytes, ...]) -> Iterator[Any]:
    for line in lines:
        text = line.removeprefix(b"data:").strip()
        if text.startswith(b"{") and (not telling or any(word in text for word in telling)):
            try:
                yield json.loads(text)
            except ValueError:
                continue
