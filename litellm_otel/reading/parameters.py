"""How single arguments of a call are read: the building blocks of the table of call kinds.

Each reader is made for one argument and one field of `litellm_otel.model.Parameters`. What does not have
the expected shape is left out: it is the provider's to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

from litellm_otel.reading.shapes import count_of, text_of


class Reader(NamedTuple):
    """One argument → one field."""

    argument: str
    field: str
    read: Callable[[Any], Any]
    """The argument's value, never None → the field's; None where it can't be told."""
    within: tuple[str, ...] = ()
    """Arguments that may hold it, where it is not one itself."""


def _float(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None


def number(argument: str, field: str) -> Reader:
    return Reader(argument, field, _float)


def integer(argument: str, field: str) -> Reader:
    return Reader(argument, field, count_of)


def _text(value: object) -> str | None:
    return text_of(getattr(value, "value", value))  # an enumeration's member, too


def text(argument: str, field: str) -> Reader:
    return Reader(argument, field, _text)


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in cast("list[object]", value)) or None
    return None


def texts(argument: str, field: str) -> Reader:
    """One text or a list of them."""
    return Reader(argument, field, _texts)


def _effort(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("effort")
    return _text(value)


def effort(argument: str) -> Reader:
    """How hard to think: ``"high"`` or ``{"effort": "high"}``."""
    return Reader(argument, "reasoning_level", _effort)


_OUTPUT_TYPES: Final = {"json_object": "json", "json_schema": "json", "text": "text"}


def _output_type(value: object) -> str | None:
    if isinstance(value, type):
        return "json"  # a pydantic model
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        given = cast("Mapping[str, object]", given.get("format") or given)
        kind = given.get("type") if isinstance(given, Mapping) else None  # pyright: ignore[reportUnnecessaryIsInstance]
        return _OUTPUT_TYPES.get(kind) if isinstance(kind, str) else None
    return None


def output_format(argument: str) -> Reader:
    """Chat's ``response_format``, or the Responses API's ``text``."""
    return Reader(argument, "output_type", _output_type)


def inside(arguments: tuple[str, ...], *readers: Reader) -> tuple[Reader, ...]:
    """The same readers, for what is given inside one of these arguments."""
    return tuple(reader._replace(within=arguments) for reader in readers)


SAMPLING: Final = (
    number("temperature", "temperature"),
    number("top_p", "top_p"),
    integer("top_k", "top_k"),
    number("frequency_penalty", "frequency_penalty"),
    number("presence_penalty", "presence_penalty"),
    integer("seed", "seed"),
)
