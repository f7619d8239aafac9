"""Waiting for something to become true: polling with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds that anything may take on a machine with too much to do, where time is not the matter."""


class NotInTime(AssertionError):
    """What was waited for did not happen before the deadline."""


def until(
    check: Callable[[], T],
    *,
    what: str,
    timeout: float = PATIENCE,
    interval: float = 0.1,
    retry_on: tuple[type[BaseException], ...] = (),
) -> T:
    """Calls ``check`` until it returns something true, and returns that.

    An exception of a type in ``retry_on`` counts as "not yet"; any other ends the waiting.
    """
    started = time.monotonic()
    last: object = None
    while True:
        try:
            value = check()
        except retry_on as error:
            last = error
        else:
            if value:
                return value
            last = value
        if time.monotonic() - started >= timeout:
            raise NotInTime(f"{what}: not within {timeout:g} s; the last look gave {last!r}")
        time.sleep(interval)


def settled(
    read: Callable[[], T],
    *,
    what: str,
    quiet_for: float,
    timeout: float = PATIENCE,
    interval: float = 0.2,
) -> T:
    """Reads a value until it has not changed for ``quiet_for`` seconds, and returns it."""
    value = read()
    changed = time.monotonic()

    def unchanged() -> bool:
        nonlocal value, changed
        now = read()
        if now != value:
            value, changed = now, time.monotonic()
        return time.monotonic() - changed >= quiet_for

    until(unchanged, what=what, timeout=timeout, interval=interval)
    return value
