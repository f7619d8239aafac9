"""How late the proxy's event loop runs what is due: one timer a second tells.

While something blocks the loop no timer runs in it; the delay so far is then told by whoever asks from
another thread.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from litellm_otel.boundary import guarded

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

INTERVAL: Final = 1.0
REMEMBERED: Final = 60
"""Timers, and so about seconds, of which the longest delay is told."""


class EventLoopWatch:
    """Runs a timer in one event loop at a time, the last it was given."""

    def __init__(self) -> None:
        self.on_delay: Callable[[float], None] = lambda _: None
        """Told the delay of each timer, in seconds, in the loop."""
        self._due: float | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._delays: deque[float] = deque(maxlen=REMEMBERED)

    @guarded
    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch this loop from now on; to be called in it."""
        self.forget()
        self.loop = loop
        self._next()

    def forget(self) -> None:
        """In a forked child, the loop is the parent's."""
        self.loop = self._due = None
        self._delays.clear()

    @property
    def longest_delay(self) -> float | None:
        """Of the last minute, in seconds; None where no loop is watched."""
        loop, due = self.loop, self._due
        if loop is None or due is None or loop.is_closed():
            return None
        return max(0.0, time.monotonic() - due, *self._delays)

    def _next(self) -> None:
        loop = self.loop
        if loop is not None:
            self._due = time.monotonic() + INTERVAL
            loop.call_later(INTERVAL, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self.loop and self._due is not None:
            self._note(max(0.0, time.monotonic() - self._due))
            self._next()

    @guarded
    def _note(self, delay: float) -> None:
        self._delays.append(delay)
        self.on_delay(delay)


WATCH: Final = EventLoopWatch()
"""The one of this process."""
