"""When telemetry leaves: at the end of the process, before a signal ends it, after a fork.

What is buffered when a worker gets SIGTERM is lost unless somebody sends it: uvicorn raises the
signal again before ``atexit`` runs, and forked workers never come to ``atexit``. So everything is
flushed at the end of the proxy's lifespan, in handlers of SIGTERM and SIGINT, and at exit;
whichever comes later finds little left to do.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

from litellm_otel import announce, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

LATER_FLUSH_SECONDS = 0.5
"""What a flush may still take when those before it have used up the time."""
KEEP_FLUSHING_SECONDS = 1.0
STANDBY_THREADS = 3
"""One for each signal."""

_before_flush: list[Callable[[float], None]] = []
_at_end: list[Callable[[], None]] = []
_when_flushed: list[Callable[[], None]] = []
_at_last: list[Callable[[], None]] = []
_after_fork: list[Callable[[], None]] = []
_unpublished: list[Any] = []
_ends_at: float | None = None
_installed = False
_supervising = False
_standby: queue.SimpleQueue[Callable[[], None]] | None = None
"""What is to be done by threads that were started in good time."""


def register_flush(callback: Callable[[float], None]) -> None:
    """Have `callback` called, with the seconds it may take, before anything is flushed."""
    if callback not in _before_flush:
        _before_flush.append(callback)


def on_end(callback: Callable[[], None]) -> None:
    """Have `callback` called when the process ends, before the last flush."""
    _at_end.append(callback)


def when_flushed(callback: Callable[[], None]) -> None:
    """Have `callback` called when what there was at the process' end was flushed, or could not be."""
    _when_flushed.append(callback)


def at_last(callback: Callable[[], None]) -> None:
    """Have `callback` called after everything else when the process ends; those given later sooner."""
    _at_last.insert(0, callback)


def on_fork(callback: Callable[[], None]) -> None:
    """Have `callback` called in each forked child, for threads and whatever names the process."""
    _after_fork.append(callback)


def flush_too(providers: Iterable[Any]) -> None:
    """Flush these as well, which an application gave us without making them the process'."""
    _unpublished.extend(provider for provider in providers if provider not in _unpublished)


def install() -> None:
    """Flush when this process ends, and set it up anew when it forks. Idempotent."""
    global _installed
    if _installed:
        return
    _installed = True
    atexit.register(_at_exit)
    _keep_threads()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)
    chain_signal_handlers()


# -- flushing ---------------------------------------------------------------------------------


def flush(seconds: float | None = None) -> bool:
    """Send everything that is buffered; whether that was done in the time given.

    What has to be finished first is finished first; then the signals, which do not depend on each
    other, leave at once, so that one dead endpoint does not use up the time of the others.
    """
    deadline = time.monotonic() + (settings.current().flush_timeout if seconds is None else seconds)
    for callback in _before_flush:
        left = deadline - time.monotonic()
        done = _in_time([lambda call=callback, left=left: call(max(0.0, left))], deadline)
        if not done:
            announce.logger.debug("litellm-otel: %r was not done in time", callback)
    return _in_time([_flusher(provider, deadline) for provider in _providers()], deadline)


def flush_at_end() -> bool:
    """`flush`, as part of the process' end: all of them together get ``flush_timeout``."""
    done = flush(seconds_left())
    if not done:
        tell_what_is_lost()
    _one_by_one(_when_flushed)
    return done


def ending() -> bool:
    """Whether the process' last flushes are under way."""
    return _ends_at is not None


def seconds_left() -> float:
    """What may still be used of the time in which the process ends, which begins when first asked for."""
    global _ends_at
    now = time.monotonic()
    if _ends_at is None:
        _ends_at = now + settings.current().flush_timeout
    return max(_ends_at - now, LATER_FLUSH_SECONDS)


def tell_what_is_lost() -> None:
    """Say that the process ends before everything was sent."""
    delivery = sys.modules.get("litellm_otel.delivery")
    cause = delivery.last_cause() if delivery is not None else ""
    announce.once(
        f"process {os.getpid()} ends, and what it still held could not be sent in"
        f" {settings.current().flush_timeout:g} s{f' ({cause})' if cause else ''};"
        " LITELLM_OTEL_FLUSH_TIMEOUT gives it longer"
    )


def keep_flushing() -> None:
    """Flush again and again from now on, in a process that will be killed without warning."""

    def run() -> None:
        while True:
            flush()
            time.sleep(KEEP_FLUSHING_SECONDS)

    threading.Thread(target=run, name="litellm-otel-flush", daemon=True).start()


def _providers() -> list[Any]:
    providers: list[Any] = [trace.get_tracer_provider(), get_logger_provider()]
    if not _supervising:
        providers.append(metrics.get_meter_provider())
    return [*providers, *(provider for provider in _unpublished if provider not in providers)]


def _flusher(provider: Any, deadline: float) -> Callable[[], None]:
    def run() -> None:
        if hasattr(provider, "force_flush"):
            provider.force_flush(max(1, int((deadline - time.monotonic()) * 1000)))

    return run


def within(seconds: float, action: Callable[[], None]) -> bool:
    """Do it in a thread of its own; whether that was done in the time given."""
    return _in_time([action], time.monotonic() + seconds)


def _in_time(actions: list[Callable[[], None]], deadline: float) -> bool:
    # Own threads, for two reasons: the SDK's flushes do not keep to their timeouts, and the code
    # that a signal interrupted may hold a lock that they want.
    done = [_started(action) for action in actions]
    return all(
        each is not None and each.wait(max(0.0, deadline - time.monotonic())) for each in done
    )


def _started(action: Callable[[], None]) -> threading.Event | None:
    """What is set when the action, now started in a thread, is over; ``None`` if it can't be started."""
    over = threading.Event()

    def run() -> None:
        try:
            action()
        except Exception as error:
            announce.logger.debug("litellm-otel: flush failed", exc_info=error)
        finally:
            over.set()

    try:
        threading.Thread(target=run, name="litellm-otel-flush", daemon=True).start()
    except RuntimeError:
        # The interpreter is too far gone to start threads.
        if _standby is None:
            return None
        _standby.put(run)
    return over


def _keep_threads() -> None:
    """Python 3.12 starts no thread from the moment on that it exits, not even for ``atexit``."""
    global _standby
    if sys.version_info[:2] != (3, 12):
        return
    work = _standby = queue.SimpleQueue()

    def run() -> None:
        while True:
            work.get()()

    for _ in range(STANDBY_THREADS):
        threading.Thread(target=run, name="litellm-otel-standby", daemon=True).start()


# -- ends -------------------------------------------------------------------------------------


def _end() -> None:
    # Half of the time: what the interrupted code holds a lock for may never be done.
    _in_time(list(_at_end), time.monotonic() + seconds_left() / 2)
    flush_at_end()
    _one_by_one(_at_last)


def _at_exit() -> None:
    _end()
    deadline = time.monotonic() + LATER_FLUSH_SECONDS
    _in_time([_closer(provider) for provider in _providers()], deadline)


def _closer(provider: Any) -> Callable[[], None]:
    def run() -> None:
        if hasattr(provider, "shutdown"):
            provider.shutdown()

    return run


def take_over_exit(providers: list[Any] | None = None) -> None:
    """Keep the SDK from shutting down at exit by itself: it may wait 90 s for a dead peer."""
    for provider in _providers() if providers is None else providers:
        if hasattr(provider, "shutdown"):
            atexit.unregister(provider.shutdown)


def chain_signal_handlers() -> None:
    """Flush before SIGTERM or SIGINT ends the process, where nothing else catches them."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        # Whoever handles the signal does so to end in order, by way of atexit; so does Python, which
        # makes a KeyboardInterrupt of SIGINT.
        if handler == signal.SIG_DFL:
            signal.signal(number, _on_signal)


def _on_signal(number: int, _: FrameType | None) -> None:
    _end()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


# -- forks and supervisors --------------------------------------------------------------------


def _in_child() -> None:
    global _ends_at, _supervising
    _ends_at = None
    _supervising = False
    _keep_threads()
    _one_by_one(_after_fork)


def _one_by_one(callbacks: list[Callable[[], None]]) -> None:
    for callback in list(callbacks):
        try:
            callback()
        except Exception as error:
            announce.logger.debug("litellm-otel: %r", callback, exc_info=error)


def supervising() -> bool:
    """Whether this process only looks after workers, which report for themselves."""
    return _supervising


def supervise() -> None:
    """Note that this process serves nothing from now on, but starts and watches workers.

    Its spans and log lines still leave. Its metrics do not: a gauge of the idle parent would stand
    beside those of the workers. Nor is a reader at work, whose locks a fork could copy while held.
    """
    global _supervising
    if _supervising:
        return
    _supervising = True
    announce.logger.debug("litellm-otel: pid %d supervises workers", os.getpid())
    if "opentelemetry.sdk.metrics" in sys.modules:
        from opentelemetry.sdk.metrics.export import MetricReader

        wrapt.wrap_function_wrapper(MetricReader, "collect", _collect)
    if (prometheus := sys.modules.get("litellm_otel.prometheus")) is not None:
        prometheus.release()
    # Also where the server is a program of its own, and LiteLLM is imported in its workers alone.
    install()
    from litellm_otel import workers

    workers.supervise()


def _collect(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Any:
    return None if _supervising else wrapped(*args, **kwargs)
