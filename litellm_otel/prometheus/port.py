"""The exporter's own port, ``OTEL_EXPORTER_PROMETHEUS_PORT``: one process of a start has it at a time.

The others wait for a lock, which the system hands on when the one that has it is gone, however it went.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import start_http_server

from litellm_otel import announce
from litellm_otel.boundary import guarded

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client.registry import Collector

HOST, PORT = "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"
TRY_AGAIN_AFTER: Final = 5.0
"""Seconds until a port that somebody else has is tried again."""


def address() -> tuple[str, int]:
    """Host and port to serve at."""
    return os.environ.get(HOST) or "localhost", int(os.environ.get(PORT) or 9464)


class Port:
    """Takes the port as soon as no other process of this start has it."""

    def __init__(self, lock: Path | None, registry: Collector) -> None:
        """``lock``: the file whose lock is handed on; None where each process is on its own."""
        self._lock = lock
        self._registry = registry
        self._descriptor = -1
        self._stopping = threading.Event()
        self._server: Any = None
        self._serving = threading.RLock()

    def start(self) -> None:
        """Take it at once if it is free, or else wait for it in a thread."""
        if not self._has_lock():
            self._in_thread(self._wait)
        elif self._serve() is not None:
            self._in_thread(self._try_again)

    def _has_lock(self) -> bool:
        if self._lock is None:
            return True
        import fcntl

        self._descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _in_thread(self, run: Any) -> None:
        threading.Thread(target=run, name="litellm-otel-port", daemon=True).start()

    @guarded
    def _wait(self) -> None:
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self._try_again()

    @guarded
    def _try_again(self) -> None:
        # The one that had it may be about to end: the system takes locks and ports away one by one.
        for wait in itertools.chain((0.2,) * 5, itertools.repeat(TRY_AGAIN_AFTER)):
            error = self._serve()
            if error is None:
                return
            if wait == TRY_AGAIN_AFTER:
                host, port = address()
                announce.once(
                    f"http://{host}:{port}/metrics is not served by process {os.getpid()}:"
                    f" {error.strerror or error}; it is tried again every {TRY_AGAIN_AFTER:g} s"
                )
            if self._stopping.wait(wait):
                return

    def _serve(self) -> OSError | None:
        """What went wrong, if something did."""
        host, port = address()
        with self._serving:
            if not self._stopping.is_set():
                try:
                    self._server, _ = start_http_server(port, host, self._registry)
                except OSError as error:
                    return error
        return None

    def stop(self) -> None:
        """Give it up, for another process or for good."""
        self._stopping.set()
        with self._serving:
            server, self._server = self._server, None
            if server is not None:
                server.shutdown()
                server.server_close()
        self._close()

    def forget(self) -> None:
        """In a forked child: the port is the parent's, and its threads are not here."""
        if self._server is not None:
            self._server.server_close()
        self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
