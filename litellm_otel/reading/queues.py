"""How much waits in LiteLLM's process: its logging worker, thread pools, and how long is too long.

All of it is looked up where it is if it is there, and imports nothing.
"""

from __future__ import annotations

import sys
from concurrent.futures import thread as pools_of_threads
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    import threading
    from concurrent.futures import ThreadPoolExecutor

ALERTING_THRESHOLD: Final = 300.0
"""Seconds: LiteLLM's default of ``alerting_threshold``."""
_WAITS: Final = getattr(getattr(pools_of_threads, "_worker", None), "__code__", None)
"""What a thread of the standard library's pools is in while it has nothing to do."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The use of a pool of threads; None is unknown."""

    busy: int
    limit: int
    queued: int | None = None


def logging_worker() -> tuple[int, int] | None:
    """Calls that wait for LiteLLM's logging worker, and those it is at work on."""
    module = sys.modules.get("litellm.litellm_core_utils.logging_worker")
    worker: Any = getattr(module, "GLOBAL_LOGGING_WORKER", None)
    queue: Any = getattr(worker, "_queue", None)
    if queue is None:
        return None
    return queue.qsize(), len(getattr(worker, "_running_tasks", ()))


def logging_pool() -> Pool | None:
    """LiteLLM's own pool, in which synchronous callbacks run."""
    module = sys.modules.get("litellm.litellm_core_utils.thread_pool_executor")
    executor: Any = getattr(module, "executor", None)
    return _executor(executor) if executor is not None else None


def limiter_of_threads() -> Any:
    """What limits the web framework's threads; to be asked in a task of its event loop."""
    module: Any = sys.modules.get("anyio.to_thread")
    return None if module is None else module.current_default_thread_limiter()


def loop_pools(loop: asyncio.AbstractEventLoop | None, limiter: Any) -> dict[str, Pool]:
    """The pools of the event loop: its own, and the web framework's."""
    pools: dict[str, Pool] = {}
    # Not in uvloop, which keeps it to itself.
    executor: Any = getattr(loop, "_default_executor", None)
    default = _executor(executor) if executor is not None else None
    if default is not None:
        pools["default"] = default
    if limiter is not None:
        waiting = limiter.statistics().tasks_waiting
        pools["anyio"] = Pool(limiter.borrowed_tokens, int(limiter.total_tokens), waiting)
    return pools


def alerting_threshold() -> float:
    """Seconds after which LiteLLM itself takes a request to be hanging."""
    module = sys.modules.get("litellm.proxy.proxy_server")
    settings: Any = getattr(module, "general_settings", None) or {}
    try:
        return float(settings.get("alerting_threshold") or ALERTING_THRESHOLD)
    except (AttributeError, TypeError, ValueError):
        return ALERTING_THRESHOLD


def _executor(executor: ThreadPoolExecutor) -> Pool | None:
    """Idle is a thread that is in the pool's own loop: what the pool counts drifts (CPython 3.12)."""
    if _WAITS is None:
        return None
    made: Any = executor
    try:
        threads: list[threading.Thread] = list(made._threads)
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        codes = (frames[each.ident].f_code for each in threads if each.ident in frames)
        busy = sum(code is not _WAITS for code in codes)
        return Pool(busy, made._max_workers, made._work_queue.qsize())
    except AttributeError:
        return None
