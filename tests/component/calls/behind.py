"""What LiteLLM does behind its calls, so that it can be waited for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator


@contextlib.contextmanager
def behind() -> Iterator[Callable[[], Awaitable[None]]]:
    """Yields what waits until nothing is under way for calls of this loop.

    What is handed over to LiteLLM's worker runs in the loop that hands it over: the worker itself goes
    to any loop that comes, from whichever thread, and leaves undone what others gave to it.
    """
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
    from litellm.litellm_core_utils.thread_pool_executor import executor

    at_work: set[asyncio.Task[Any]] = set()

    def hand_over(async_coroutine: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(async_coroutine)
        at_work.add(task)
        task.add_done_callback(at_work.discard)

    async def over() -> None:
        while True:
            tasks = [task for task in asyncio.all_tasks() if task in at_work or _hands_over(task)]
            if tasks:
                await asyncio.gather(*tasks, return_exceptions=True)
            elif executor._pending_slots._value < executor._max_pending_tasks:
                await asyncio.sleep(0.001)
            else:
                return

    with mock.patch.object(GLOBAL_LOGGING_WORKER, "ensure_initialized_and_enqueue", hand_over):
        yield over


def _hands_over(task: asyncio.Task[Any]) -> bool:
    """Whether the task is LiteLLM's that gives a call to the worker."""
    return getattr(task.get_coro(), "__name__", "") == "_client_async_logging_helper"
