"""Work to be done a little later, off the caller's thread: one daemon thread, started when first needed."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from litellm_otel.boundary import guarded, report

Item: TypeAlias = tuple[float, int, Callable[[], None]]
"""When (monotonic seconds), a number to keep the order, and what to run."""


class Deferred:
    """Runs callables after a delay, in one thread. Adding work takes no lock, so it is safe in ``__del__``."""

    def __init__(self) -> None:
        self._incoming: deque[Item] = deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._heap: list[Item] = []
        self._heap_lock = threading.RLock()
        # Held from taking work out to having done it, so that `run_all` leaves none half done.
        self._running = threading.RLock()
        self._sequence = itertools.count()
        self._periodic: set[str] = set()
        self._thread: threading.Thread | None = None

    def after(self, seconds: float, work: Callable[[], None]) -> None:
        """Run ``work`` once, ``seconds`` from now, or earlier in `run_all`."""
        self._incoming.append((time.monotonic() + seconds, next(self._sequence), work))
        self._wake.put(None)
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def soon(self, work: Callable[[], None]) -> None:
        self.after(0.0, work)

    def every(self, seconds: float, work: Callable[[], None]) -> None:
        """Run ``work`` every so many seconds; asking again for the same one changes nothing."""
        name = work.__qualname__
        if name in self._periodic:
            return
        self._periodic.add(name)

        def again() -> None:
            try:
                work()
            finally:
                self.after(seconds, again)

        self.after(seconds, again)

    def run_all(self) -> None:
        """Run now everything that is waiting, in the caller's thread."""
        with self._running:
            for _ in range(3):  # what runs may add more, boundedly
                waiting = self._take_all()
                if not waiting:
                    return
                for _, _, work in waiting:
                    _run(work)

    def _take_all(self) -> list[Item]:
        with self._heap_lock:
            self._sort_in()
            waiting, self._heap = self._heap, []
        return sorted(waiting, key=lambda item: item[:2])

    def _sort_in(self) -> None:
        while self._incoming:
            heapq.heappush(self._heap, self._incoming.popleft())

    def _start(self) -> None:
        with self._heap_lock:
            if self._thread is not None and self._thread.is_alive():
                return
            # If it breaks, that is said, and the next piece of work starts another.
            self._thread = threading.Thread(
                target=guarded(self._loop), name="litellm-otel-deferred", daemon=True
            )
            self._thread.start()

    def _loop(self) -> None:
        while True:
            with self._heap_lock:
                self._sort_in()
                wait = self._heap[0][0] - time.monotonic() if self._heap else None
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=max(wait, 0.0) if wait is not None else None)
            while self._run_one():
                pass

    def _run_one(self) -> bool:
        """Run the first that is due; whether there was one."""
        with self._running:
            with self._heap_lock:
                self._sort_in()
                if not self._heap or self._heap[0][0] > time.monotonic():
                    return False
                _, _, work = heapq.heappop(self._heap)
            _run(work)
            return True


def _run(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        report(getattr(work, "__qualname__", "deferred work"))
