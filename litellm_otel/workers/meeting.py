"""Where the processes of one start meet, and who of them lives.

They meet in a directory that is private to the user. Each has a file there, which it keeps locked as long
as it lives, under one name for each who reads it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import secrets
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from litellm_otel import lifecycle
from litellm_otel.process import is_spawned

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

VARIABLE: Final = "_LITELLM_OTEL_PROCESSES"
"""Tells the workers that are spawned where to meet; not for anybody to set."""
PREFIX: Final = "litellm-otel-"
LEDGER, WILL = ".ledger", ".will"
"""What the file is called for the page of all workers, and for those who send it when its owner is dead."""
LONGEST: Final = 45
"""Characters of a directory for temporary files in which a socket can still have its name."""
ABANDONED_AFTER: Final = 60.0
"""Seconds after which a directory in which nobody lives is taken to be left over."""

_began_in: int | None = None


def directory() -> Path:
    """Where the processes of this start meet; made if it is not there."""
    path = place()
    _make(path)
    return path


def place() -> Path:
    """The same, there or not; chosen, and told to the children to come, when first asked for."""
    known = os.environ.get(VARIABLE, "")
    pid, _, path = known.partition(":")
    if not path:
        return _begin()
    if pid != str(os.getpid()) and not (is_spawned() or _began_in == int(pid)):
        # Another program that one of ours has started.
        return _begin()
    return Path(path)


def is_ours(path: Path) -> bool:
    """Whether this process is the one that the others have the place from."""
    return os.environ.get(VARIABLE) == f"{os.getpid()}:{path}"


def _begin() -> Path:
    global _began_in
    parent = tempfile.gettempdir()
    if len(parent) > LONGEST:
        parent = "/tmp"
    path = Path(parent, f"{PREFIX}{os.getpid()}-{secrets.token_hex(6)}")
    os.environ[VARIABLE] = f"{os.getpid()}:{path}"
    _began_in = os.getpid()
    lifecycle.at_last(functools.partial(_end, path, os.getpid()))
    return path


def _end(path: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(path, ignore_errors=True)


def _make(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        _sweep(path.parent)
    if not _is_private(path):
        raise PermissionError(1, "is somebody else's", str(path))


def _is_private(path: Path) -> bool:
    status = path.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o077
    )


def _sweep(parent: Path) -> None:
    """Take away what starts that were killed have left behind."""
    for path in parent.glob(f"{PREFIX}*-*"):
        with contextlib.suppress(OSError):
            old = time.time() - path.lstat().st_mtime > ABANDONED_AFTER
            if old and _is_private(path) and not any(map(lives, _files(path))):
                shutil.rmtree(path, ignore_errors=True)


def _files(path: Path) -> Iterator[Path]:
    return (file for suffix in (LEDGER, WILL) for file in path.glob(f"*{suffix}"))


def lives(file: Path) -> bool:
    """Whether somebody keeps the file locked."""
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextlib.contextmanager
def taken(file: Path) -> Generator[bytes | None]:
    """What is in the file of one that is dead, for nobody else meanwhile; None if that is not so."""
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        yield None
        return
    with opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
            return
        try:
            # Not if somebody else had it, and was done with it, since it was opened.
            yield opened.read() if file.exists() else None
        finally:
            # Or else a child that was forked meanwhile would go on holding it.
            fcntl.flock(opened, fcntl.LOCK_UN)


class Member:
    """This process, as one of them."""

    def __init__(self, where: Path) -> None:
        self.directory = where
        self.pid = os.getpid()
        self.name = f"{self.pid}-{secrets.token_hex(4)}"
        self._shown: list[Path] = []
        self._made = where / self.name
        self.descriptor = os.open(self._made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def show(self, suffix: str) -> None:
        """Have it seen by who looks for that suffix. Only now, as it is locked."""
        path = self.path(suffix)
        if path in self._shown:
            return
        if self._shown:
            os.link(self._shown[0], path)
        else:
            self._made.rename(path)
        self._shown.append(path)

    def path(self, suffix: str) -> Path:
        return self.directory / f"{self.name}{suffix}"

    def others(self, suffix: str) -> list[str]:
        """The names of the other processes, live or not."""
        names = [file.name.removesuffix(suffix) for file in self.directory.glob(f"*{suffix}")]
        return sorted(name for name in names if name != self.name)

    def touch(self, *more: Path) -> None:
        """Keep those away who clean up what is old in directories for temporary files."""
        for file in (self.directory, *self._shown, *more):
            with contextlib.suppress(OSError):
                os.utime(file)

    def hide(self, suffix: str) -> None:
        """Nobody is to look for it there any more."""
        self.path(suffix).unlink(missing_ok=True)

    def leave(self) -> None:
        """As if it had never been there: it serves nothing after all."""
        for file in self._shown:
            file.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Without a word to the others. In a forked child: file and lock are the parent's."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)
