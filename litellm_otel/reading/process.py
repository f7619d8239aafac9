"""What the operating system and the interpreter say of this process. What one of them can't say is None."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable


class ThisProcess:
    """The process that asks; `after_fork` makes it the child."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def after_fork(self) -> None:
        self._process = psutil.Process()

    def cpu_seconds(self) -> dict[str, float]:
        times = _told(self._process.cpu_times)
        return {} if times is None else {"user": times.user, "system": times.system}

    def memory(self) -> tuple[int, int] | None:
        """Bytes: resident, virtual."""
        memory = _told(self._process.memory_info)
        return None if memory is None else (memory.rss, memory.vms)

    def file_descriptors(self) -> int | None:
        return _told(getattr(self._process, "num_fds", None))

    def file_descriptor_limit(self) -> int | None:
        try:
            import resource
        except ImportError:  # Windows
            return None
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return None if soft == resource.RLIM_INFINITY else soft

    def threads(self) -> int | None:
        return _told(self._process.num_threads)

    def context_switches(self) -> dict[str, int]:
        switches = _told(self._process.num_ctx_switches)
        if switches is None:
            return {}
        return {"voluntary": switches.voluntary, "involuntary": switches.involuntary}

    def uptime(self) -> float | None:
        created = _told(self._process.create_time)
        return None if created is None else max(0.0, time.time() - created)

    def collections(self) -> list[dict[str, int]]:
        """``collections``, ``collected`` and ``uncollectable`` of each generation."""
        return gc.get_stats()


def _told(ask: Callable[[], Any] | None) -> Any:
    if ask is None:
        return None
    try:
        return ask()
    except (psutil.Error, OSError, NotImplementedError):
        return None
