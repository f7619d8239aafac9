"""Components start, say why they failed, and end with all their children, whatever happens."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.paths import ROOT, RunDirectory
from stack.ports import free_port
from stack.running import Interrupted, Running, ending_on_signals, uninterrupted
from stack.service import Service, ServiceFailed, clean_environment
from stack.waiting import NotInTime, settled, until

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
# A parent that leaves a child behind which does not care about SIGTERM.
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
print("child", child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[RunDirectory]:
    run = RunDirectory("run", parent=tmp_path)
    yield run
    run.release()


def service(run: RunDirectory, code: str, *, word: str = "up", name: str = "part") -> Service:
    made = Service(
        name,
        [sys.executable, "-c", code],
        run=run,
        ready=lambda: word in made.log,
        ready_within=60.0,
        grace=1.0,
    )
    return made


def test_a_service_starts_and_ends(directory: RunDirectory) -> None:
    with service(directory, SLEEPER) as part:
        assert part.running
        pid = part.pid
    assert not part.running
    assert not psutil.pid_exists(pid)


def test_a_service_that_ends_early_shows_its_log(directory: RunDirectory) -> None:
    part = service(directory, "import sys; print('no such file: x.yaml'); sys.exit(3)")
    with pytest.raises(ServiceFailed, match=r"(?s)part has ended with exit code 3.*no such file"):
        part.__enter__()
    assert not part.running


def test_a_service_that_ends_later_is_noticed(directory: RunDirectory) -> None:
    with Running() as running:
        part = running.add(service(directory, SLEEPER))
        running.await_ready()
        running.ensure_running()
        part.signal(signal.SIGSEGV)
        part.wait(30.0)
        with pytest.raises(ServiceFailed, match="part has ended with signal SIGSEGV"):
            running.ensure_running()


def test_a_service_that_never_gets_ready_is_ended(directory: RunDirectory) -> None:
    part = Service(
        "part",
        [sys.executable, "-c", SLEEPER],
        run=directory,
        ready=lambda: False,
        ready_within=0.5,
    )
    with pytest.raises(ServiceFailed, match=r"was not ready within 0\.5 s"):
        part.__enter__()
    assert not part.running


def test_a_command_that_does_not_exist(directory: RunDirectory) -> None:
    part = Service("part", ["/no/such/file"], run=directory, ready=lambda: True, ready_within=1)
    with pytest.raises(ServiceFailed, match="part could not be started: /no/such/file: No such"):
        part.start()


def test_children_end_with_their_parent(directory: RunDirectory) -> None:
    with service(directory, PARENT, word="child") as part:
        # The child may have said that it is up before its parent says which one it is.
        child = int(re.findall(r"child (\d+)", part.log)[0])
        assert psutil.pid_exists(child)
    until(lambda: not _alive(child), what="the child's end")


def test_a_stubborn_service_is_killed(directory: RunDirectory) -> None:
    part = service(directory, STUBBORN)
    with part:
        pid = part.pid
        started = time.monotonic()
    assert time.monotonic() - started < 30
    assert not _alive(pid)


def test_all_parts_end_when_one_fails(directory: RunDirectory) -> None:
    good = service(directory, SLEEPER, name="good")
    bad = service(directory, "import sys; sys.exit(1)", name="bad")

    def start_both() -> None:
        with Running() as running:
            running.add(good)
            running.add(bad)
            running.await_ready()

    with pytest.raises(ServiceFailed, match="bad has ended"):
        start_both()
    assert not good.running


def test_parts_end_in_reverse_order(directory: RunDirectory) -> None:
    seen: list[tuple[str, str]] = []
    with Running(lambda name, state: seen.append((name, state))) as running:
        running.add(service(directory, SLEEPER, name="first"))
        running.add(service(directory, SLEEPER, name="second"))
        running.await_ready()
    assert [name for name, state in seen if state == "stopped"] == ["second", "first"]


ENDING = """
import sys
from pathlib import Path
from stack.paths import RunDirectory
from stack.running import Running, ending_on_signals
from stack.service import Service

run = RunDirectory("run", parent=Path(sys.argv[1]))
with ending_on_signals(), Running() as running:
    part = Service("part", [sys.executable, "-c", "import time; time.sleep(60)"],
                   run=run, ready=lambda: True, ready_within=5)
    running.add(part)
    print(part.pid, flush=True)
    part.wait(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_everything(tmp_path: Path, number: signal.Signals) -> None:
    script = subprocess.Popen(
        [sys.executable, "-c", ENDING, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        text=True,
        start_new_session=True,
    )
    try:
        assert script.stdout is not None
        part = int(script.stdout.readline())
        assert _alive(part)
        script.send_signal(number)
        script.wait(60)
        assert not _alive(part)
    finally:
        script.kill()
        script.wait()


def test_a_signal_cuts_no_start_short() -> None:
    steps: list[str] = []

    def interrupted() -> None:
        with ending_on_signals():
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
                steps.append("started")
            steps.append("gone on")

    with pytest.raises(Interrupted, match="SIGINT"):
        interrupted()
    assert steps == ["started"]


def test_a_run_directory_is_owned_and_emptied(tmp_path: Path) -> None:
    first = RunDirectory("run", parent=tmp_path)
    written = first.write("config/key", "secret")
    assert oct(os.stat(written).st_mode & 0o777) == "0o600"
    second = RunDirectory("run", parent=tmp_path)
    assert second.path != first.path
    assert written.exists()
    first.release()
    third = RunDirectory("run", parent=tmp_path)
    assert third.path == first.path
    assert not written.exists()
    for run in (second, third):
        run.release()


def test_ports_are_given_out_once() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200


def test_the_surroundings_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "somebody-else")
    monkeypatch.setenv("LITELLM_LOG", "DEBUG")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    environment = clean_environment({"OTEL_TRACES_EXPORTER": "otlp"})
    assert "OTEL_SERVICE_NAME" not in environment
    assert "LITELLM_LOG" not in environment
    assert "HTTPS_PROXY" not in environment
    assert environment["OTEL_TRACES_EXPORTER"] == "otlp"
    assert environment["PATH"] == os.environ["PATH"]


def test_waiting_says_what_it_waited_for() -> None:
    with pytest.raises(NotInTime, match=r"the moon: not within 0\.2 s; the last look gave 0"):
        until(lambda: 0, what="the moon", timeout=0.2, interval=0.05)
    values = iter([1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3])
    assert settled(lambda: next(values), what="rest", quiet_for=0.2, interval=0.1) == 3


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
