"""Where servers start, supervise and end, seen from telemetry: the seams that `lifecycle` needs.

Each is optional: a server that is not installed is never imported, and a name that a new version no
longer has costs one debug line.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import wrapt

from litellm_otel import announce, lifecycle, settings

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGING_WORKER = "litellm.litellm_core_utils.logging_worker"


_installed = False


def install() -> None:
    """Register the seams, once; nothing is imported by it."""
    global _installed
    if _installed:
        return
    _installed = True
    for module, name, wrapper in (
        ("litellm.proxy.proxy_server", "proxy_shutdown_event", _at_proxy_shutdown),
        ("uvicorn.server", "Server.capture_signals", _before_signals_are_captured),
        ("uvicorn.supervisors.multiprocess", "Multiprocess.run", _at_supervision),
        ("uvicorn.supervisors.basereload", "BaseReload.run", _at_supervision),
        ("gunicorn.arbiter", "Arbiter.run", _at_supervision),
        ("gunicorn.workers.base", "Worker.handle_exit", _when_told_to_quit),
        ("granian.server.mp", "MPServer.startup", _at_supervision),
    ):
        _wrap_when_imported(module, name, wrapper)
    wrapt.when_imported("multiprocessing.util")(_flush_in_forked_workers)


def _wrap_when_imported(module: str, name: str, wrapper: Callable[..., Any]) -> None:
    def hook(imported: Any) -> None:
        try:
            wrapt.wrap_function_wrapper(imported, name, wrapper)
        except (AttributeError, ImportError):
            announce.logger.debug("litellm-otel: %s has no %s", module, name)

    wrapt.when_imported(module)(hook)


async def _at_proxy_shutdown(
    wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    await _finish_logging_worker()
    try:
        return await wrapped(*args, **kwargs)
    finally:
        await asyncio.to_thread(lifecycle.flush_at_end)


async def _finish_logging_worker() -> None:
    """Let LiteLLM account for the calls it has answered, for at most half of the time there is."""
    module = sys.modules.get(LOGGING_WORKER)
    worker = getattr(module, "GLOBAL_LOGGING_WORKER", None)
    if worker is None:
        return
    try:
        await asyncio.wait_for(worker.flush(), settings.current().flush_timeout / 2)
    except Exception as error:
        announce.logger.debug("litellm-otel: LiteLLM's logging worker: %r", error)


def _before_signals_are_captured(
    wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    # uvicorn gives a signal back to whoever handled it before; gunicorn's workers have reset that.
    lifecycle.chain_signal_handlers()
    if (logs := sys.modules.get("litellm_otel.logs")) is not None:
        logs.attach()
    return wrapped(*args, **kwargs)


def _when_told_to_quit(
    wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    # A uvicorn worker does not heed gunicorn's SIGQUIT: it serves on until it is killed.
    lifecycle.keep_flushing()
    return wrapped(*args, **kwargs)


def _at_supervision(
    wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    lifecycle.supervise()
    return wrapped(*args, **kwargs)


def _flush_in_forked_workers(util: Any) -> None:
    # Forked workers of multiprocessing, granian's too, leave by os._exit, past atexit; its own
    # finalizers are what they do run.
    def in_child(_: object) -> None:
        util.Finalize(None, lifecycle.flush_at_end, exitpriority=0)

    util.register_after_fork(lifecycle, in_child)
