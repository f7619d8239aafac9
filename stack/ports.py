"""Free TCP ports on the loopback interface."""

from __future__ import annotations

import random
import socket
import threading

# Below the range from which the kernel takes the ports of outgoing connections, so that none
# of those can take a port between the moment it is picked and the moment it is bound.
_RANGE = range(20_000, 32_000)
_given_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """A port nobody listens on, never given out twice by this process."""
    with _lock:
        for port in random.sample(_RANGE, len(_RANGE)):
            if port not in _given_out and _can_bind(port):
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
