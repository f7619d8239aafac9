"""The one piece of protobuf's wire format that is put together by hand: length-delimited fields.

Encoded messages may be joined: fields can come in any order, and elements of a repeated field apart.
"""

from __future__ import annotations

from typing import Any


def tag(message: Any, field: str) -> bytes:
    """What precedes each element of a repeated message field, of this message class."""
    length_delimited = 2
    return varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | length_delimited)


def delimited(field: bytes, payload: bytes) -> bytes:
    """An element of the field with this tag."""
    return b"".join((field, varint(len(payload)), payload))


def varint(number: int) -> bytes:
    if number < 1 << 7:
        return _ONE_BYTE[number]
    if number < 1 << 14:
        return bytes((number & 127 | 128, number >> 7))
    return bytes((number & 127 | 128,)) + varint(number >> 7)


_ONE_BYTE = [bytes((number,)) for number in range(128)]
