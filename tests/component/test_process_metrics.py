"""What a process tells of itself, while something is the matter with it."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from litellm_otel import selection
from litellm_otel.emit.collection import prepare
from litellm_otel.emit.distributions import distributions_for
from litellm_otel.emit.process import ProcessMetrics
from litellm_otel.event_loop import EventLoopWatch
from litellm_otel.reading import queues
from litellm_otel.reading.process import ThisProcess
from stack.standins.provider import Provider
from stack.waiting import until
from tests.component.gateway import CHAT, Asked, running_gateway
from tests.component.otlp_sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)


class Watched:
    """This process with instruments of its own."""

    def __init__(self) -> None:
        prepare()
        self._reader = InMemoryMetricReader()
        provider = MeterProvider([self._reader])
        meter = provider.get_meter("test", "1")
        self.loop = EventLoopWatch()
        self.metrics = ProcessMetrics(
            meter, distributions_for(meter, provider, "test", "1"), ThisProcess(), self.loop
        )

    def points(self, name: str) -> dict[str, Any]:
        """Each data point by the value of its only label, or by nothing."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            "".join(map(str, (point.attributes or {}).values())): point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }

    def values(self, name: str) -> dict[str, float]:
        return {label: point.value for label, point in self.points(name).items()}

    def value(self, name: str) -> float:
        return self.values(name)[""]


async def becomes_true(check: Callable[[], Any]) -> None:
    """Let the event loop go on until it is; the test's time limit is the deadline."""
    while not check():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_file_descriptors_are_those_that_are_open(watched: Watched) -> None:
    name = "process.unix.file_descriptor.count"

    def seen() -> tuple[float, float]:
        before = watched.value(name)
        with ExitStack() as opened:
            for _ in range(50):
                opened.enter_context(open(os.devnull))
            meanwhile = watched.value(name)
        return meanwhile - before, watched.value(name) - before

    # What earlier tests have left behind may go at any moment.
    until(lambda: seen() == (50, 0), what="50 more, and gone again", timeout=30.0)
    assert watched.value("litellm.process.file_descriptor.limit") > watched.value(name)


def test_threads_in_use(watched: Watched) -> None:
    def seen() -> float:
        before = watched.value("process.thread.count")
        end = threading.Event()
        started = [threading.Thread(target=end.wait) for _ in range(7)]
        try:
            for thread in started:
                thread.start()
            return watched.value("process.thread.count") - before
        finally:
            end.set()
            for thread in started:
                thread.join()

    until(lambda: seen() == 7, what="7 threads more", timeout=30.0)


def test_memory_in_use(watched: Watched) -> None:
    memory = watched.value("process.memory.usage")
    waste = bytearray(os.urandom(1 << 20)) * 64
    assert watched.value("process.memory.usage") > memory + (48 << 20)
    assert watched.value("process.memory.virtual") > watched.value("process.memory.usage")
    del waste


def test_cpu_time_switches_and_uptime(watched: Watched) -> None:
    cpu, uptime = watched.values("process.cpu.time"), watched.value("process.uptime")
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    later = watched.values("process.cpu.time")
    assert set(later) == {"user", "system"}
    assert sum(later.values()) - sum(cpu.values()) >= 0.25
    assert watched.value("process.uptime") > uptime > 0
    assert set(watched.values("process.context_switches")) == {"voluntary", "involuntary"}


def test_what_is_not_selected_is_not_read(watched: Watched) -> None:
    selection.use(
        selection.Selection(off=frozenset({"process.uptime", "litellm.event_loop.delay"}))
    )
    try:
        watched.loop.on_delay(0.1)
        assert watched.values("process.uptime") == {}
        assert watched.value("process.thread.count") > 0
    finally:
        selection.use(selection.DEFAULT)
    assert watched.points("litellm.event_loop.delay") == {}
    assert watched.value("process.uptime") > 0


def test_garbage_collections(watched: Watched) -> None:
    gc.disable()  # but for ours
    try:
        _collect(watched)
    finally:
        gc.enable()


def _collect(watched: Watched) -> None:
    before = watched.values("cpython.gc.collections")
    for _ in range(100):
        ring: list[Any] = []
        ring.append(ring)
    del ring
    objects = sum(watched.values("cpython.gc.collected_objects").values())
    gc.collect()
    assert set(before) == {"0", "1", "2"}
    assert watched.values("cpython.gc.collections")["2"] == before["2"] + 1
    assert sum(watched.values("cpython.gc.collected_objects").values()) >= objects + 90


def test_a_blocked_event_loop_shows_while_it_is_blocked_and_afterwards(watched: Watched) -> None:
    name = "litellm.event_loop.delay.max"
    seen: list[float] = []
    unblock = threading.Event()

    def look() -> None:
        # From another thread, as the loop can't.
        until(lambda: watched.value(name) > 0.3, what="the delay so far", timeout=30.0)
        seen.append(watched.value(name))
        unblock.set()

    async def run() -> None:
        watched.loop.watch(asyncio.get_running_loop())
        assert watched.value(name) < 0.3
        looking = threading.Thread(target=look)
        looking.start()
        unblock.wait(60)  # blocks
        looking.join()
        await becomes_true(lambda: watched.points("litellm.event_loop.delay"))

    assert watched.values(name) == {}, "nothing is known of a loop that is not there"
    asyncio.run(run())
    assert seen[0] > 0.3
    (point,) = watched.points("litellm.event_loop.delay").values()
    assert point.max > 0.3
    assert watched.values(name) == {}, "a loop that is closed has no delay"


def test_litellms_pool_and_logging_worker(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    import litellm  # noqa: F401
    from litellm.litellm_core_utils import logging_worker
    from litellm.litellm_core_utils.thread_pool_executor import executor

    def pools() -> dict[str, queues.Pool]:
        pool = queues.logging_pool()
        assert pool is not None
        return {"logging": pool}

    # LiteLLM's own may have work left to it by loops that have ended.
    worker = logging_worker.LoggingWorker()
    monkeypatch.setattr(logging_worker, "GLOBAL_LOGGING_WORKER", worker)
    watched.metrics.queues(queues.logging_worker, pools)
    until(
        lambda: watched.values("litellm.thread_pool.busy") == {"logging": 0},
        what="an idle pool",
        timeout=30.0,
    )
    end = threading.Event()
    try:
        for _ in range(3):
            executor.submit(end.wait)
        # A thread that waits for work is taken for busy a moment before it takes the work.
        for name, value in (("busy", 3), ("queue.size", 0)):
            until(
                lambda name=name, value=value: (
                    watched.values(f"litellm.thread_pool.{name}") == {"logging": value}
                ),
                what="three threads at work, and nothing waits",
                timeout=30.0,
            )
        assert watched.values("litellm.thread_pool.limit") == {"logging": 100}
    finally:
        end.set()

    async def log() -> None:
        done = asyncio.Event()
        for _ in range(5):
            worker.ensure_initialized_and_enqueue(done.wait())
        assert watched.value("litellm.logging_worker.queue.size") == 5
        await becomes_true(lambda: watched.value("litellm.logging_worker.running") == 5)
        done.set()
        await worker.flush()
        await worker.stop()

    asyncio.run(log())
    assert watched.value("litellm.logging_worker.queue.size") == 0


def test_threads_that_the_pool_has_lost_count_of_are_not_busy() -> None:
    """As pools of CPython 3.12 do: they take threads that wait for work to be at it."""
    loop, work = asyncio.new_event_loop(), threading.Event()
    with ThreadPoolExecutor(3) as pool:
        loop.set_default_executor(pool)

        def is_busy(threads: int) -> bool:
            return queues.loop_pools(loop, None)["default"] == queues.Pool(threads, 3, 0)

        done = [pool.submit(work.wait) for _ in range(3)]
        until(lambda: is_busy(3), what="three at work", timeout=30.0)
        work.set()
        wait(done)
        pool._idle_semaphore = threading.Semaphore(0)
        until(lambda: is_busy(0), what="none at work", timeout=30.0)
        work.clear()
        pool.submit(work.wait)
        until(lambda: is_busy(1), what="one at work", timeout=30.0)
        work.set()
    loop.close()


def test_thread_pools_of_an_event_loop() -> None:
    import anyio.to_thread

    async def run() -> dict[str, queues.Pool]:
        limiter = queues.limiter_of_threads()
        end = threading.Event()
        loop = asyncio.get_running_loop()
        waiting = [asyncio.create_task(anyio.to_thread.run_sync(end.wait)) for _ in range(2)]
        waiting.append(asyncio.create_task(asyncio.to_thread(end.wait)))
        try:
            await becomes_true(lambda: queues.loop_pools(loop, limiter)["anyio"].busy == 2)
            await becomes_true(lambda: queues.loop_pools(loop, limiter)["default"].busy == 1)
            return queues.loop_pools(loop, limiter)
        finally:
            end.set()
            await asyncio.gather(*waiting)

    pools = asyncio.run(run())
    assert (pools["anyio"].busy, pools["anyio"].limit, pools["anyio"].queued) == (2, 40, 0)
    assert pools["default"].busy == 1


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    started = Sink().start()
    yield started
    started.stop()


def told(sink: Sink, model: str) -> list[float]:
    """How many requests for a model hang: each value that came."""
    return [
        point.as_double or point.as_int
        for metric in sink.metrics
        if metric.data.name == "litellm.requests.hanging"
        for point in metric.data.sum.data_points
        if model in [pair.value.string_value for pair in point.attributes]
    ]


def test_a_request_hangs_in_a_gauge_while_it_hangs(tmp_path: Path, sink: Sink) -> None:
    with (
        Provider() as provider,
        running_gateway(
            tmp_path, provider, sink, LITELLM_OTEL_HANGING_REQUEST_THRESHOLD="0.5"
        ) as gateway,
    ):
        body = b'{"model": "held", "messages": [{"role": "user", "content": "hello"}]}'
        asked = Asked()
        provider.hold(asked.trace)
        asking = threading.Thread(target=gateway.ask, args=(CHAT, body), kwargs={"asked": asked})
        asking.start()
        try:
            assert sink.wait_for(lambda: told(sink, "held")[-1:] == [1]), "told before it is over"
        finally:
            provider.let_go(asked.trace)
            asking.join()
        assert asked.status == 200
        assert sink.wait_for(lambda: told(sink, "held")[-1:] == [0])
        names = {metric.data.name for metric in sink.metrics}
        for name in (
            "litellm.event_loop.delay",
            "litellm.event_loop.delay.max",
            "litellm.thread_pool.limit",
            "litellm.logging_worker.queue.size",
            "process.uptime",
        ):
            assert name in names
        pools = {
            pair.value.string_value
            for metric in sink.metrics
            if metric.data.name == "litellm.thread_pool.limit"
            for point in metric.data.sum.data_points
            for pair in point.attributes
        }
        assert {"anyio", "logging"} <= pools
        assert "please report it" not in gateway.proxy.output
