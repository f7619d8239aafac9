"""Values and attributes as OTLP has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from litellm_otel.otlp.wire import delimited

REMEMBERED: Final = 4096
"""Attributes whose encoding is kept, those used last."""
MAX_REMEMBERED_LENGTH: Final = 256
"""A longer string is not worth its memory."""
# Floats hardly do, and 0.0 and -0.0 are equal.
_COME_AGAIN: Final = frozenset({int, bool})


def any_value(value: Any) -> Any:
    """The arguments of an ``AnyValue``; raises for what has no place in one."""
    # In the library's order: a bool is an int, a str is a Sequence.
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, str):
        return {"string_value": value}
    if isinstance(value, int):
        return {"int_value": value}
    if isinstance(value, float):
        return {"double_value": value}
    if isinstance(value, bytes):
        return {"bytes_value": value}
    if isinstance(value, Sequence):
        items = cast("Sequence[object]", value)
        return {"array_value": {"values": [any_value(item) for item in items]}}
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        named = [{"key": str(key), "value": any_value(item)} for key, item in members.items()]
        return {"kvlist_value": {"values": named}}
    raise TypeError(f"no OTLP value: {type(value)}")


def key_values(attributes: Mapping[str, Any] | None) -> list[Any]:
    """The arguments of ``KeyValue`` messages."""
    if not attributes:
        return []
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


class Attributes:
    """Encodes attributes as elements of one repeated ``KeyValue`` field."""

    def __init__(self, field: bytes) -> None:
        self._field = field
        # By type too, as True equals 1.
        self._remembered = lru_cache(maxsize=REMEMBERED, typed=True)(self._encode)

    def encode(self, attributes: Mapping[str, Any]) -> list[bytes]:
        """Every attribute as one element; their order is kept."""
        if not attributes:
            return []
        encode, remembered = self._encode, self._remembered
        # One copy, instead of a lock and two calls for each item of the SDK's own mapping.
        items: dict[str, Any] = cast("Any", attributes).copy()
        elements: list[bytes] = []
        for key, value in items.items():
            kind = type(cast("object", value))
            again = len(value) <= MAX_REMEMBERED_LENGTH if kind is str else kind in _COME_AGAIN
            elements.append(remembered(key, value) if again else encode(key, value))
        return elements

    def _encode(self, key: str, value: Any) -> bytes:
        message = KeyValue(key=key, value=any_value(value))
        return delimited(self._field, message.SerializeToString())
