"""How processes of one start ask each other for their metrics: over a Unix socket each."""

from __future__ import annotations

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from litellm_otel.boundary import guarded
from litellm_otel.prometheus import families

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from litellm_otel.prometheus.families import Page

ANSWER_WITHIN: Final = 3.0
"""Seconds; a process that takes longer is shown by its counts alone."""
AT_ONCE: Final = 16


class Answering:
    """Answers everybody who connects with the present page, one after the other, in a thread of its own."""

    def __init__(self, path: Path, answer: Callable[[], bytes | None]) -> None:
        self._answer = answer
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(path))
        self._listening.listen(64)
        threading.Thread(target=self._run, name="litellm-otel-answers", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                connection.settimeout(ANSWER_WITHIN)
                connection.sendall(self._answer() or b"")

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self.forget()

    def forget(self) -> None:
        """In a forked child: the socket goes on being the parent's."""
        self._listening.close()


def ask(paths: Sequence[Path]) -> dict[str, Page]:
    """The pages of those who answer, by the names of their sockets without suffix."""
    if not paths:
        return {}
    with ThreadPoolExecutor(min(len(paths), AT_ONCE), "litellm-otel-asks") as pool:
        answers = list(pool.map(_ask, paths))
    return {path.stem: page for path, page in zip(paths, answers, strict=True) if page is not None}


@guarded
def _ask(path: Path) -> Page | None:
    parts: list[bytes] = []
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(ANSWER_WITHIN)
            asking.connect(str(path))
            while part := asking.recv(1 << 16):
                parts.append(part)
        return families.load(b"".join(parts))[0]
    except (OSError, ValueError):  # it is gone, also while it spoke
        return None
