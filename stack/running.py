"""A set of components and stand-ins that start together and end together, whatever happens."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Protocol, TypeVar


class Startable(Protocol):
    name: str

    def start(self) -> object: ...
    def await_ready(self) -> object: ...
    def ensure_running(self) -> object: ...
    def stop(self) -> object: ...


S = TypeVar("S", bound=Startable)


class Running:
    """Starts parts at once and waits for all of them; ends them in reverse order on leaving.

    The order of starting is the order in which data flows backwards: first what receives, last
    what sends. So the sender ends first, and what it sends while ending still finds a receiver.
    """

    def __init__(self, on_change: Callable[[str, str], None] | None = None) -> None:
        self._parts: list[Startable] = []
        self._on_change = on_change or (lambda name, state: None)

    def add(self, part: S) -> S:
        """Takes over a part and starts it, without waiting for it."""
        self._parts.append(part)
        self._on_change(part.name, "starting")
        part.start()
        return part

    def await_ready(self) -> None:
        for part in self._parts:
            part.await_ready()
            self._on_change(part.name, "ready")

    def ensure_running(self) -> None:
        """Raises if a part has ended by itself."""
        for part in self._parts:
            part.ensure_running()

    def stop(self) -> None:
        failures: list[BaseException] = []
        while self._parts:
            part = self._parts.pop()
            self._on_change(part.name, "stopping")
            try:
                part.stop()
            except BaseException as error:
                failures.append(error)
            self._on_change(part.name, "stopped")
        if failures:
            raise failures[0]

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Interrupted(KeyboardInterrupt):
    """The process was asked to end; takes the same way out as Ctrl-C."""


_put_off: list[int] | None = None
"""What `ending_on_signals` is to act on later, where it is."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Puts off what `ending_on_signals` does, to the end of the block.

    A process whose start is cut short is nobody's, and would outlive all others.
    """
    global _put_off
    _put_off = waiting = []
    try:
        yield
    finally:
        _put_off = None
        if waiting:
            signal.raise_signal(waiting[0])


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP leave through the ``finally`` blocks, as Ctrl-C does.

    While the parts are being stopped a second signal must not cut that short, so after the first
    one further ones are ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if _put_off is not None:
            _put_off.append(number)
            return
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    handled = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {each: signal.signal(each, interrupt) for each in handled}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        sys.stdout.flush()
