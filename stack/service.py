"""One real component: a process with a log file, a readiness check and an orderly end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from .paths import ROOT, RunDirectory
from .running import uninterrupted
from .waiting import NotInTime, until

# Settings of the surrounding shell that would change what a component does or where it sends.
_FOREIGN_PREFIXES = (
    "OTEL_",
    "LITELLM_",
    "DD_",
    "LOKI_",
    "PROMETHEUS_",
    "TRACES_",
    "GATEWAY_",
    "DEBUG_OTEL",
    "OPENAI_",
)
_FOREIGN = frozenset({"PYTHONPATH", "PYTHONHOME", "http_proxy", "https_proxy", "all_proxy"})


class ServiceFailed(RuntimeError):
    """A component ended or did not get ready; the message ends with its log's last lines."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment without what would leak into the component, plus ``extra``."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN_PREFIXES)
        and name not in _FOREIGN
        and name.lower() not in _FOREIGN
    }
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", **(extra or {})}


class Service:
    """A child process in a process group of its own.

    ``start`` returns at once, ``await_ready`` waits, ``stop`` ends the process and all its
    children: SIGTERM, then SIGKILL after ``grace`` seconds.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        run: RunDirectory,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool],
        ready_within: float,
        grace: float = 10.0,
        cwd: Path = ROOT,
    ) -> None:
        self.name = name
        self.argv = [str(part) for part in argv]
        self.run = run
        self.log_path = run.logs / f"{name}.log"
        self.env = clean_environment(env)
        self.cwd = cwd
        self._ready = ready
        self._ready_within = ready_within
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        if self.running:
            raise RuntimeError(f"{self.name} is running already (pid {self.pid})")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log, uninterrupted():
            try:
                self._process = subprocess.Popen(
                    self.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self.env,
                    cwd=self.cwd,
                    start_new_session=True,
                )
            except OSError as error:
                raise ServiceFailed(
                    f"{self.name} could not be started: {self.argv[0]}: {error.strerror}"
                ) from error

    def await_ready(self) -> None:
        def check() -> bool:
            self.ensure_running()
            return self._ready()

        try:
            until(
                check,
                what=f"{self.name} ready",
                timeout=self._ready_within,
                retry_on=(httpx.HTTPError,),
            )
        except NotInTime:
            raise ServiceFailed(
                self._report(f"was not ready within {self._ready_within:g} s")
            ) from None

    def ensure_running(self) -> None:
        """Raises if the process has ended by itself."""
        code = self._started.poll()
        if code is not None:
            raise ServiceFailed(self._report(f"has ended with {_exit_text(code)}"))

    def stop(self) -> int | None:
        """Ends the process and its group; returns the exit code, ``None`` if never started."""
        if self._process is None:
            return None
        try:
            if self._process.poll() is None:
                self._process.terminate()
            return self.wait(self._grace)
        except NotInTime:
            return None
        finally:
            # Children that outlived their parent, and the parent if it did not end in time.
            self.signal(signal.SIGKILL, group=True)
            self._process.wait()

    def wait(self, timeout: float) -> int:
        """Waits for the process itself to end by whatever it was told before."""
        process = self._started
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise NotInTime(self._report(f"did not end within {timeout:g} s")) from None

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """To the process as an orchestrator does, or to its group as Ctrl-C in a terminal does."""
        process = self._started
        try:
            if group:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except (ProcessLookupError, PermissionError):
            pass

    def __enter__(self) -> Service:
        self.start()
        try:
            self.await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- looking at it ----------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._started.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process

    def _report(self, what: str, lines: int = 25) -> str:
        tail = self.log.splitlines()[-lines:]
        shown = "\n".join(f"    {line}" for line in tail) or "    (nothing)"
        return f"{self.name} {what}. Its log, {self.log_path}, ends with:\n{shown}"


def answers(url: str, *, status: int = 200) -> Callable[[], bool]:
    """A readiness check: the address answers with this status."""
    return lambda: httpx.get(url, timeout=2.0, trust_env=False).status_code == status


def tool(name: str) -> Path:
    """A command of the environment this Python runs in."""
    return Path(sys.executable).parent / name


def _exit_text(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
