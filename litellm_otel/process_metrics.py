"""The process metrics of this process: which are read where, and who is asked."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from litellm_otel import event_loop, lifecycle, settings
from litellm_otel.boundary import guarded
from litellm_otel.emit.process import ProcessMetrics
from litellm_otel.reading import queues
from litellm_otel.reading.process import ThisProcess

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from opentelemetry.metrics import Meter

    from litellm_otel.emit.distributions import Distribution
    from litellm_otel.reading.queues import Pool
    from litellm_otel.recorder import Recorder

_limiter: Any = None
"""Of the threads of the web framework that serves."""


def start(meter: Meter, distribution: Callable[..., Distribution], recorder: Recorder) -> None:
    """Measure this process, and after a fork the child."""
    watch = event_loop.WATCH
    metrics = ProcessMetrics(meter, distribution, ThisProcess(), watch)

    def pools() -> dict[str, Pool]:
        found = queues.loop_pools(watch.loop, _limiter)
        logging = queues.logging_pool()
        if logging is not None:
            found["logging"] = logging
        return found

    def hanging() -> list[str | None] | None:
        if not (recorder.serves and recorder.active):
            return None
        seconds = settings.current().hanging_request_threshold or queues.alerting_threshold()
        return [request.model for request in recorder.under_way_longer_than(seconds)]

    metrics.queues(queues.logging_worker, pools)
    metrics.hanging(hanging)

    def forked() -> None:
        global _limiter
        _limiter = None
        watch.forget()
        metrics.after_fork()

    lifecycle.on_fork(forked)


@guarded
def watch_lifespan(proxy_server: Any) -> None:
    """Watch the event loop that serves the proxy, as long as it does."""
    router = proxy_server.app.router
    inner = router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Any]:
        async with inner(app) as state:
            # Not while it starts, when LiteLLM keeps the loop busy and nobody waits.
            _watch_this_loop()
            yield state

    router.lifespan_context = lifespan


@guarded
def _watch_this_loop() -> None:
    global _limiter
    event_loop.WATCH.watch(asyncio.get_running_loop())
    _limiter = queues.limiter_of_threads()
