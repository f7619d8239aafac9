"""Free TCP ports on the loopback interface."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading
from functools import cache
from pathlib import Path

# Below the range from which the kernel takes the ports of outgoing connections, so that none
# of those can take a port between the moment it is picked and the moment it is bound.
_RANGE = range(20_000, 32_000)
_given_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """A port nobody listens on, given out to nobody else as long as this process lives.

    So a service finds its port again when it is stopped and started.

    Raises: `RuntimeError` when there is none.
    """
    with _lock:
        for port in random.sample(_RANGE, len(_RANGE)):
            if port not in _given_out and _can_bind(port) and _reserve(port):
                _given_out.add(port)
                return port
    raise RuntimeError(f"no free port between {_RANGE.start} and {_RANGE.stop}")


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _reserve(port: int) -> bool:
    """Whether no other process of this user has it: each keeps a byte locked for each of its ports."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _reservations() -> int:
    # Open for good: to close it is to give up all locks on it.
    path = Path(tempfile.gettempdir(), f"litellm-ports-{os.getuid()}")
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
