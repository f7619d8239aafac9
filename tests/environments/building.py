"""Locks environments, and makes them from their locks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.environments.table import ENVIRONMENTS, TESTING, Environment

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements" / "environments"
DEVELOPMENT = ROOT / "requirements" / "dev.txt"
OLDEST_PYTHON = "3.10"
KEPT_SECONDS = 7 * 24 * 3600.0
_FINISHED = ".finished"


class CannotBuild(Exception):
    """An environment can't be had; the message says why."""


def environment(name: str) -> Path:
    """The Python of the named environment, which is made first if the cache lacks it."""
    spec = _row(name)
    interpreter = python_for(spec)
    folder = _cache() / f"{name}-{_key(spec, interpreter)}"
    python = folder / "bin" / "python"
    finished = folder / _FINISHED
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f".{folder.name}.lock")):
        if not finished.exists():
            _remove_unused(folder.parent)
            _make(spec, interpreter, folder)
        finished.touch()
    return python


def lock(name: str) -> None:
    """Resolve the environment anew, with what the tests' own environment has wherever that fits."""
    spec = _row(name)
    LOCKS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        overrides = Path(temporary) / "overrides.txt"
        overrides.write_text("".join(f"{line}\n" for line in spec.overrides), encoding="utf-8")
        # uv prefers the versions its output file names: fewer differences, and fewer downloads.
        locked = Path(temporary) / "lock.txt"
        shutil.copy(DEVELOPMENT, locked)
        _uv(
            *("pip", "compile", "--quiet", "--universal", "--python-version", OLDEST_PYTHON),
            *("--generate-hashes", "--no-header", "--no-annotate", "--overrides", str(overrides)),
            *("--output-file", str(locked), "pyproject.toml", "-"),
            given="\n".join((*spec.requirements, *TESTING)),
        )
        shutil.move(locked, LOCKS / f"{name}.txt")


def python_for(spec: Environment) -> Path:
    """The interpreter an environment is made with: the one it prefers, or the running one."""
    running = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if not spec.python:
        return running
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    named = f"python{spec.python}"
    on_path = shutil.which(named)
    candidates = [
        running,
        *([Path(on_path)] if on_path else []),
        *sorted(pyenv.glob(f"{spec.python}.*/bin/{named}")),
    ]
    for candidate in candidates:
        # What is on PATH may be a shim of pyenv's for a version that is not enabled.
        if _version_of(candidate).startswith(f"{spec.python}."):
            return candidate
    return running


def _row(name: str) -> Environment:
    if name not in ENVIRONMENTS:
        raise CannotBuild(f"unknown environment {name!r}: choose from {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[name]


def _version_of(interpreter: Path) -> str:
    with contextlib.suppress(OSError):
        asked = [interpreter, "-c", "import platform; print(platform.python_version())"]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    return ""


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "litellm-otel" / "environments"


def _lock_of(spec: Environment) -> Path:
    path = LOCKS / f"{spec.name}.txt"
    if not path.exists():
        raise CannotBuild(f"no {path}: run python -m tests.environments lock {spec.name}")
    return path


def _key(spec: Environment, interpreter: Path) -> str:
    """A short hash of all that decides what is in the environment."""
    digest = hashlib.sha256()
    for decisive in (
        _lock_of(spec).read_bytes(),
        # The project is installed by its path, with the entry points it has in there.
        (ROOT / "pyproject.toml").read_bytes(),
        str(ROOT).encode(),
        str(interpreter).encode(),
        _version_of(interpreter).encode(),
    ):
        digest.update(hashlib.sha256(decisive).digest())
    return digest.hexdigest()[:16]


def _make(spec: Environment, interpreter: Path, folder: Path) -> None:
    # Scripts name their Python by its path, so it is made in its place and marked when whole.
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "bin" / "python"
    _uv("venv", "--quiet", "--no-python-downloads", "--python", str(interpreter), str(folder))
    install = ("pip", "install", "--quiet", "--no-deps", "--python", str(python))
    _uv(*install, "--require-hashes", "-r", str(_lock_of(spec)))
    with tempfile.TemporaryDirectory() as temporary:
        wheel = subprocess.run(
            [sys.executable, "-c", _BUILD_EDITABLE, temporary],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[-1]
        _uv(*install, str(Path(temporary) / wheel))


_BUILD_EDITABLE = "import sys, hatchling.build as b; print(b.build_editable(sys.argv[1]))"


def _uv(*arguments: str, given: str | None = None) -> None:
    uv = Path(sys.prefix) / "bin" / "uv"
    answer = subprocess.run(
        [uv if uv.exists() else "uv", *arguments],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        raise CannotBuild(f"uv {' '.join(arguments[:2])} failed:\n{answer.stderr.strip()}")


def _remove_unused(cache: Path) -> None:
    for finished in cache.glob(f"*/{_FINISHED}"):
        with contextlib.suppress(OSError):
            if time.time() - finished.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(finished.parent)
                finished.parent.with_name(f".{finished.parent.name}.lock").unlink()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keeps a second process from making the same environment at the same time."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
