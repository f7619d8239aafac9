"""Where things are: the checkout, its build folder, and one folder per run of the stack."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


class RunDirectory:
    """A folder under ``build/stack`` that one run owns, emptied when a run takes it.

    What a run leaves (logs, databases, queues) stays to be looked at until the next run of the
    same name. Two runs of one name at the same time get a folder each.
    """

    def __init__(self, name: str, *, parent: Path = BUILD / "stack") -> None:
        self._lock: IO[str]
        self.path = self._acquire(parent, name)
        self.logs = self.subfolder("logs")

    def _acquire(self, parent: Path, name: str) -> Path:
        parent.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = parent / (name if number == 1 else f"{name}-{number}")
            lock = (parent / f".{path.name}.lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                number += 1
                continue
            self._lock = lock
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            return path

    def subfolder(self, name: str) -> Path:
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, text: str) -> Path:
        """Writes a file readable by the owner only: configurations here carry keys."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return path

    def release(self) -> None:
        self._lock.close()
