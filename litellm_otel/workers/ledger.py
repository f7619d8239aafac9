"""The counts of a worker in a file that is mapped into its memory: they are there when it is killed.

A ledger is made of segments; each holds entries until one of length 0. An entry is its key's length and its
number of cells, the key as JSON, and the cells, each a double. A key is a family's definition, or the number
of a family with a series' labels, or what the worker has noted about itself.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from litellm_otel import announce
from litellm_otel.catalogue import CATALOGUE
from litellm_otel.emit.cells import OVERFLOW, labelled
from litellm_otel.emit.storage import Family

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableSequence

    from litellm_otel.catalogue import Metric
    from litellm_otel.emit.storage import Labels

SEGMENT: Final = 1 << 19
"""Bytes; a multiple of every platform's page."""
_HEAD: Final = struct.Struct("<II")
_DOUBLE: Final = 8


class Ledger:
    """Gives out cells in the file that is open as ``descriptor``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.RLock()
        # All of them for good: to close one is to give up the lock on the file.
        self._segments: list[mmap.mmap] = []
        self._place = SEGMENT
        self._families: dict[Family, int] = {}

    def keep(self, family: Family, labels: Labels | None) -> MutableSequence[float] | None:
        """Cells for a series; None when there is no room for them on the disk."""
        with self._lock:
            try:
                number = self._families.get(family)
                if number is None:
                    number = len(self._families)
                    key = [family.metrics, family.labels, family.size]
                    if self._entry({"family": key}, 0) is None:
                        return None
                    self._families[family] = number
                return self._entry({"of": number, "labels": labels}, family.size)
            except OSError as error:
                announce.once(
                    f"process {os.getpid()} finds no room on the disk for its counts ({error.strerror});"
                    " those that it has not sent are lost if it is killed"
                )
                return None

    def note(self, about: dict[str, Any]) -> None:
        """Have readers know this of the worker."""
        with self._lock, contextlib.suppress(OSError):
            self._entry({"about": about}, 0)

    def _entry(self, key: object, cells: int) -> Any:
        text = json.dumps(key).encode()
        text += b" " * (-len(text) % _DOUBLE)
        length = _HEAD.size + len(text) + cells * _DOUBLE
        if length > SEGMENT:
            return None
        if self._place + length > SEGMENT:
            self._grow()
        segment, place = self._segments[-1], self._place
        begin = place + _HEAD.size + len(text)
        segment[place + _HEAD.size : begin] = text
        # Last, as this makes an entry of it.
        segment[place : place + _HEAD.size] = _HEAD.pack(len(text), cells)
        self._place += length
        return memoryview(segment)[begin : begin + cells * _DOUBLE].cast("d")

    def _grow(self) -> None:
        size = len(self._segments) * SEGMENT
        # Not only a longer file: where the disk is full, writing to a mapped hole kills the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._descriptor, size, SEGMENT)
        else:
            os.pwrite(self._descriptor, bytes(SEGMENT), size)
        self._segments.append(mmap.mmap(self._descriptor, SEGMENT, offset=size))
        self._place = 0


_METRICS: Final = {metric.name: metric for metric in CATALOGUE}


@dataclass(frozen=True, slots=True)
class Series:
    """What a worker has counted under one set of labels."""

    metric: Metric
    attributes: dict[str, Any]
    cells: tuple[float, ...]
    index: int
    """The cell of a counter; those of a histogram are its own."""


@dataclass(slots=True)
class Content:
    """What is in a ledger."""

    about: dict[str, Any] = field(default_factory=dict[str, Any])
    series: list[Series] = field(default_factory=list[Series])


def read(data: bytes) -> Content:
    content = Content()
    families: list[Family] = []
    for key, cells in _entries(data):
        if "family" in key:
            metrics, names, size = key["family"]
            families.append(Family(tuple(metrics), tuple(names), size))
        elif "about" in key:
            content.about.update(key["about"])
        else:
            number: int = key["of"]
            content.series += _series(families[number], key["labels"], cells)
    return content


def _series(family: Family, values: list[Any] | None, cells: tuple[float, ...]) -> Iterator[Series]:
    attributes: dict[str, Any] = (
        {OVERFLOW: True} if values is None else labelled(family.labels, tuple(values))
    )
    for index, name in enumerate(family.metrics):
        metric = _METRICS.get(name)
        if metric is not None:
            yield Series(metric, attributes, cells, index)


def _entries(data: bytes) -> Iterator[tuple[dict[str, Any], tuple[float, ...]]]:
    for begin in range(0, len(data) - SEGMENT + 1, SEGMENT):
        place, end = begin, begin + SEGMENT
        while place + _HEAD.size <= end:
            length, cells = _HEAD.unpack_from(data, place)
            if not length:
                break
            text = place + _HEAD.size
            with contextlib.suppress(ValueError):
                yield (
                    json.loads(data[text : text + length]),
                    struct.unpack_from(f"{cells}d", data, text + length),
                )
            place = text + length + cells * _DOUBLE
