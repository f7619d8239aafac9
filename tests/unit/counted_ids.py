"""Ids of spans that are the same in each run, so that what two providers send can be compared."""

from __future__ import annotations

import random

from opentelemetry.sdk.trace.id_generator import IdGenerator


class Counted(IdGenerator):
    """The same ids in the same order."""

    def __init__(self) -> None:
        self._random = random.Random(5)

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1

    def is_trace_id_random(self) -> bool:
        return True
