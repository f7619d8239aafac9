"""Thousands of calls with every ending mixed in, and what is left of them, as JSON.

``python -m tests.component.calls.leak_program <calls>``: a process of its own, as it counts threads,
objects and memory. See `test_leaks`.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import json
import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_MODE"] = "PRODUCTION"

from stack.standins.provider import Provider
from tests.component.calls.recorded import Recorded

CONCURRENCY = 16
QUARTERS = 4
QUIET = 0.5
TRACED = 3
"""Hundreds of calls of which memory is traced, in the first and in the last quarter."""
MESSAGES = [{"role": "user", "content": "Say something that is to be forgotten."}]
OURS = ("litellm_otel", "opentelemetry")
# Our records and what stands for a call while it is under way.
KINDS = ("Attempt", "Call", "Request", "Entry", "Mark", "LeanSpan", "_Span", "Failure")

Ending = Callable[[], Awaitable[None]]


def endings(provider: Provider) -> list[tuple[Ending, int]]:
    """Each ending with how many of a hundred calls end so: most within LiteLLM, some at a provider."""
    import litellm

    def given(behaviour: str = "", **more: Any) -> dict[str, Any]:
        return {
            "model": f"openai/gpt-4o{behaviour}",
            "messages": MESSAGES,
            "api_base": provider.base_url(),
            "api_key": "sk-leaks",
            "max_retries": 0,
            **more,
        }

    mocked = {"model": "openai/gpt-4o", "messages": MESSAGES, "mock_response": "Hello to you"}
    deployments = [
        {"model_name": name, "litellm_params": parameters}
        for name, parameters in (
            ("failing", {**mocked, "mock_response": "litellm.InternalServerError"}),
            ("good", mocked),
        )
    ]
    for deployment in deployments:
        deployment["litellm_params"] = dict(deployment["litellm_params"])  # type: ignore[call-overload]
        del deployment["litellm_params"]["messages"]  # type: ignore[union-attr]
    router = litellm.Router(
        deployments,
        fallbacks=[{"failing": ["good"]}],
        num_retries=1,
        retry_after=0,
        disable_cooldowns=True,
    )

    async def good() -> None:
        await litellm.acompletion(**mocked)

    async def streamed() -> None:
        async for _ in await litellm.acompletion(**mocked, stream=True):
            pass

    async def routed() -> None:
        await router.acompletion("good", messages=MESSAGES)

    async def fallen_back() -> None:
        await router.acompletion("failing", messages=MESSAGES)

    async def cached() -> None:
        await litellm.acompletion(**mocked, caching=True)

    async def failing() -> None:
        with contextlib.suppress(litellm.InternalServerError):
            await litellm.acompletion(**given("@server-error"))

    async def timed_out() -> None:
        with contextlib.suppress(litellm.Timeout):
            await litellm.acompletion(**given("@slow-300ms", timeout=0.02))

    async def broken_off() -> None:
        with contextlib.suppress(Exception):
            async for _ in await litellm.acompletion(
                **given("@broken-stream-after-1", stream=True)
            ):
                pass

    async def closed() -> None:
        stream = await litellm.acompletion(**mocked, stream=True)
        await anext(stream)
        await stream.aclose()

    async def dropped() -> None:
        stream = await litellm.acompletion(**mocked, stream=True)
        await anext(stream)

    async def never_read() -> None:
        await litellm.acompletion(**mocked, stream=True)

    async def cancelled() -> None:
        task = asyncio.ensure_future(litellm.acompletion(**given("@slow-300ms")))
        await asyncio.sleep(0.005)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def in_a_thread() -> None:
        await asyncio.to_thread(litellm.completion, **mocked)

    return [
        (good, 40),
        (streamed, 16),
        (routed, 10),
        (fallen_back, 4),
        (cached, 6),
        (failing, 3),
        (timed_out, 2),
        (broken_off, 2),
        (closed, 4),
        (dropped, 4),
        (never_read, 3),
        (cancelled, 2),
        (in_a_thread, 4),
    ]


made = [0]
"""Calls so far."""


async def make(calls: int, mix: list[Ending]) -> None:
    """So many calls, a bounded number at a time, the kinds interleaved."""
    waiting = iter(range(calls))
    made[0] += calls

    async def worker() -> None:
        for number in waiting:
            await mix[number * 37 % len(mix)]()

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


async def all_is_quiet() -> None:
    """Until what LiteLLM does behind the calls is done: no task has come or gone for a while."""
    before, tasks = -1, len(asyncio.all_tasks())
    while before != tasks:
        await asyncio.sleep(QUIET)
        before, tasks = tasks, len(asyncio.all_tasks())


def left(recorded: Recorded) -> dict[str, Any]:
    """What is still there of calls that are over."""
    recorder: Any = recorded.instrumentor._recorder
    for _ in range(200):
        gc.collect()
        recorder.flush()
        recorder.emitter.drain()
        if not (recorded.open.spans or recorder.in_flight or recorder._awaiting):
            break
        time.sleep(0.05)
    gc.collect()
    kinds = collections.Counter(
        type(value).__name__
        for value in gc.get_objects()
        if str(type(value).__module__).startswith(OURS)
    )
    snapshot = tracemalloc.take_snapshot() if tracemalloc.is_tracing() else None
    memory = sum(
        trace.size
        for trace in (snapshot.traces if snapshot else ())
        if any(name in frame.filename for frame in trace.traceback for name in OURS)
    )
    return {
        "open spans": len(recorded.open.spans),
        "in flight": recorder.in_flight,
        "open streams": len(recorder._open_streams),
        "open calls": len(recorder._open_calls),
        "inner calls": len(recorder._open_inner_calls),
        "awaiting": len(recorder._awaiting),
        "emitter's queue": len(recorder.emitter._waiting),
        "deferred": len(recorder.deferred._heap) + len(recorder.deferred._incoming),
        "objects": {kind: kinds[kind] for kind in KINDS},
        "memory": memory,
        "threads": sorted(
            "".join(letter for letter in thread.name if not letter.isdigit())
            for thread in threading.enumerate()
        ),
        "tasks": len(asyncio.all_tasks()),
    }


async def run(provider: Provider, recorded: Recorded, calls: int) -> dict[str, Any]:
    import litellm
    from litellm.caching.caching import Cache

    litellm.cache = Cache()
    litellm.suppress_debug_info = True
    for pause in ("INITIAL_RETRY_DELAY", "JITTER"):
        setattr(litellm.utils, pause, 0.0)
    mix = [ending for ending, share in endings(provider) for _ in range(share)]
    await make(len(mix) * 2, mix)  # what is made once is made now
    quarters: list[dict[str, Any]] = []
    started = time.monotonic()
    for quarter in range(QUARTERS):
        await make(calls // QUARTERS, mix)
        if quarter in (0, QUARTERS - 1):
            # Tracing doubles what a call costs: it is for some of them.
            tracemalloc.start(1)
            await make(len(mix) * TRACED, mix)
        # What the exporters and the stand-in keep is not what is looked for.
        await asyncio.to_thread(recorded.settle)
        await all_is_quiet()
        recorded._spans.clear()
        recorded._logs.clear()
        provider.forget()
        quarters.append(left(recorded))
        tracemalloc.stop()
    counted = await asyncio.to_thread(recorded.increments, "litellm.requests")
    return {
        "quarters": quarters,
        "seconds": time.monotonic() - started,
        "calls": made[0],
        "statuses": {
            status: sum(n for labels, n in counted.items() if ("status", status) in labels)
            for status in ("success", "error", "cancelled", "rejected")
        },
    }


def main(calls: int) -> None:
    recorded = Recorded()
    recorded.start()
    with Provider() as provider:
        facts = asyncio.run(run(provider, recorded, calls))
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
