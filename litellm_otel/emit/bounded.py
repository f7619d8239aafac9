"""The series of a metric: only so many, and one for all that come after.

When there are as many as there may be, those give way that nobody has added to for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

MAX_SERIES: Final = 2000
"""Series per metric; what comes after goes to one overflow series, as in the metrics SDK specification."""
EXPIRY: Final = 3600.0
"""Seconds, as in LiteLLM's own ``prometheus_end_user_metrics_ttl_seconds``."""

Key = TypeVar("Key", bound=Hashable)
Cell = TypeVar("Cell")


class Bounded(Generic[Key, Cell]):
    """A cell for each series. Not thread-safe: its user has a lock."""

    def __init__(
        self,
        make: Callable[[Key | None], Cell],
        most: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._most = most
        self._clock = clock
        self._since = 0.0
        self.cells: dict[Key, Cell] = {}
        self.overflow: Cell | None = None
        """What all series share that there was no room for."""
        self.used: set[Key] | None = None
        """The series that were added to since there first was no room; None before that."""

    def find(self, key: Key) -> tuple[Cell, bool]:
        """The series' cell, new if need be; and whether it is the one that others share."""
        cell = self.cells.get(key)
        if cell is not None:
            return cell, False
        most = MAX_SERIES if self._most is None else self._most
        if len(self.cells) >= most:
            for idle in self._idle():
                del self.cells[idle]
        if len(self.cells) < most:
            cell = self.cells[key] = self._make(key)
            if self.used is not None:
                self.used.add(key)
            return cell, False
        if self.overflow is None:
            self.overflow = self._make(None)
        return self.overflow, True

    def _idle(self) -> set[Key]:
        now = self._clock()
        if self.used is not None and now - self._since < EXPIRY:
            return set()
        found: set[Key] = set() if self.used is None else set(self.cells) - self.used
        self.used, self._since = set(), now
        return found

    def clear(self) -> None:
        """Forget them all."""
        self.cells.clear()
        self.overflow = self.used = None
