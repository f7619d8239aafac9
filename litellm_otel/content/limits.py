"""Cuts content to size: each part of a message to a length, all of it to a number of bytes.

What is cut says so in its place; what had to be left out altogether is counted. The answer matters most,
then the instructions and the newest messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from litellm_otel.emit import names

ORDER: Final = (
    names.GEN_AI_TOOL_CALL_ARGUMENTS,
    names.GEN_AI_TOOL_CALL_RESULT,
    names.GEN_AI_RETRIEVAL_QUERY_TEXT,
    names.GEN_AI_OUTPUT_MESSAGES,
    names.GEN_AI_SYSTEM_INSTRUCTIONS,
    names.GEN_AI_INPUT_MESSAGES,
    names.GEN_AI_RETRIEVAL_DOCUMENTS,
    names.GEN_AI_TOOL_DEFINITIONS,
)
"""Which content is kept first. Of the input the newest messages are, of all else the first."""
_LISTS: Final = frozenset(
    {
        names.GEN_AI_OUTPUT_MESSAGES,
        names.GEN_AI_SYSTEM_INSTRUCTIONS,
        names.GEN_AI_INPUT_MESSAGES,
        names.GEN_AI_RETRIEVAL_DOCUMENTS,
        names.GEN_AI_TOOL_DEFINITIONS,
    }
)
_NEWEST_FIRST: Final = frozenset({names.GEN_AI_INPUT_MESSAGES})
_KEPT_WHOLE: Final = frozenset(
    {"type", "role", "name", "id", "modality", "mime_type", "finish_reason"}
)
_LEAST: Final = 64
"""Characters of a text below which cutting it is no use."""


@dataclass(slots=True)
class Fitted:
    """Content that fits."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    left_out: int = 0
    """Messages, tools and documents that there was no room for."""


def size_of(value: object) -> int:
    """Bytes of it as JSON."""
    return len(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    )


def cut(text: str, length: int) -> str:
    """The text, at the most so many characters of it, and how many more there were."""
    if len(text) <= length:
        return text
    return f"{text[:length]}… [{len(text) - length} more characters]"


def cut_texts(value: Any, length: int) -> Any:
    """Every text in it cut; data that is longer is left out, since half a picture is none."""
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        if members.get("type") == "blob" and len(str(members.get("content") or "")) > length:
            members = {**members, "content": ""}
        return {
            key: item
            if key in _KEPT_WHOLE and isinstance(item, str) and len(item) <= _LEAST * 4
            else cut_texts(item, length)
            for key, item in members.items()
        }
    if isinstance(value, list):
        return [cut_texts(item, length) for item in cast("list[Any]", value)]
    return value


def fit(values: Mapping[str, Any], max_length: int, max_size: int) -> Fitted:
    """As much of these attributes as may be sent."""
    fitted = Fitted()
    room = max_size
    for name in ORDER:
        value = values.get(name)
        if value is None:
            continue
        if name not in _LISTS:
            kept = _shortened(value, max_length, room)
            if kept is None:
                fitted.left_out += 1
            else:
                fitted.values[name] = kept
                room -= size_of(kept)
            continue
        items, room = _fit_items(name, cast("list[Any]", value), max_length, room)
        fitted.left_out += len(cast("list[Any]", value)) - len(items)
        if items:
            fitted.values[name] = items
    return fitted


def _fit_items(name: str, items: list[Any], max_length: int, room: int) -> tuple[list[Any], int]:
    newest_first = name in _NEWEST_FIRST
    kept: list[Any] = []
    for item in reversed(items) if newest_first else items:
        fitting = _shortened(item, max_length, room)
        if fitting is None:
            break
        kept.append(fitting)
        room -= size_of(fitting) + 1
    return (kept[::-1] if newest_first else kept), room


def _shortened(value: Any, length: int, room: int) -> Any:
    """The value with its texts cut, more and more until it fits; None where that is no use."""
    shortened = cut_texts(value, length)
    while size_of(shortened) > room:
        length //= 2
        if length < _LEAST:
            return None
        shortened = cut_texts(value, length)
    return shortened
