"""The least that all of LiteLLM's objects and mappings have in common: fields, counts and texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast


def field_of(value: object, name: str) -> Any:
    """A mapping's item or an object's attribute; None where there is none."""
    # Most are dictionaries, and to ask whether something is a mapping costs ten times as much.
    if isinstance(value, (dict, Mapping)):
        return cast("Mapping[str, Any]", value).get(name)
    return getattr(value, name, None)


def field_at(value: object, path: Iterable[str]) -> Any:
    """What is inside others: the field of the field of the value, and so on."""
    for name in path:
        value = field_of(value, name)
    return value


def number_of(value: object) -> float | None:
    """A number, also one written as text; None for everything else."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def count_of(value: object) -> int | None:
    """A count; None for what is not a number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    return None


def text_of(value: object) -> str | None:
    """A text that is not empty; None for everything else."""
    return value if isinstance(value, str) and value else None


def items_of(value: object) -> Sequence[Any]:
    """A list's or a tuple's items; none of anything else, texts among them."""
    return cast("Sequence[Any]", value) if isinstance(value, (list, tuple)) else ()
