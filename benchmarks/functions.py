"""Where the time goes in the instrumented proxy, file by file and function by function, by py-spy.

A sample belongs to telemetry if the innermost frame that is nobody's standard library or transport is
telemetry's: what LiteLLM does inside a hook is LiteLLM's.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Load
from benchmarks.processes import Proxy
from benchmarks.rounds import Stopwatch

RATE = 250
REQUESTS_AT_A_TIME = 20
_TELEMETRY = re.compile(r"(?:^|/)(litellm_otel|opentelemetry|wrapt)/")
_CARRIER = re.compile(r"(?:^|/)(requests|urllib3|google/protobuf)/|^<frozen|/lib/python\d\.\d+/\w")
_FRAME = re.compile(r"^(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)$")


@dataclass(frozen=True)
class Functions:
    """Microseconds of CPU time per request."""

    requests: int
    total: float
    by_file: Mapping[str, float]
    by_function: Mapping[str, float]

    @property
    def telemetry(self) -> float:
        return sum(self.by_file.values())


def recorder() -> str | None:
    """The py-spy to use: that of this environment, or one on the path."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


async def record(
    proxy: Proxy, load: Load, *, seconds: int, stream: bool, folder: Path
) -> Functions:
    """Load the proxy while py-spy watches it."""
    raw = folder / "py-spy.raw"
    py_spy = recorder()
    assert py_spy is not None
    command = [py_spy, "record", "--pid", str(proxy.server.pid), "--output", str(raw)]
    command += ["--format", "raw", "--rate", str(RATE), "--duration", str(seconds)]
    command += ["--gil", "--threads", "--full-filenames", "--nonblocking"]
    with (folder / "py-spy.log").open("wb") as log:
        watcher = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, stderr=log
        )
    watch, requests = Stopwatch([proxy]), 0
    try:
        while watcher.returncode is None:
            await load.send(proxy.server.url, REQUESTS_AT_A_TIME, stream=stream)
            requests += REQUESTS_AT_A_TIME
    finally:
        if watcher.returncode is None:
            watcher.terminate()
        await watcher.wait()
    _, used = watch.lap()
    if watcher.returncode or not raw.exists():
        reason = (folder / "py-spy.log").read_text().strip().splitlines()[-1:]
        raise RuntimeError(f"py-spy could not watch the proxy: {' '.join(reason)}")
    return _attribute(raw.read_text(), used[proxy.variant.name] / requests * 1e6, requests)


def _attribute(raw: str, total: float, requests: int) -> Functions:
    files: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    samples = 0
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        samples += int(count)
        owner = _owner(stack.split(";"))
        if owner is not None:
            file, function = owner
            files[file] += int(count)
            functions[f"{function} ({file})"] += int(count)
    share = total / samples if samples else 0.0
    return Functions(
        requests,
        total,
        {name: count * share for name, count in files.most_common()},
        {name: count * share for name, count in functions.most_common()},
    )


def _owner(frames: list[str]) -> tuple[str, str] | None:
    """File and function of the telemetry that a stack is at work for, if it is."""
    for frame in reversed(frames):
        match = _FRAME.match(frame)
        if match is None:
            continue
        # The installed packages' own folders say nothing.
        file = match["file"].rpartition("site-packages/")[2]
        if (found := _TELEMETRY.search(file)) is not None:
            return file[found.start(1) :], match["function"]
        if not _CARRIER.search(file):
            return None
    return None
