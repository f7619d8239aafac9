"""Forks, signals and ends of programs that are no server."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.component.programs import CALL, INSTRUMENT, run_program
from tests.component.proxy_process import environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Sink

LONG = {
    "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "3600000",
    "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_lose_nothing_and_have_their_own_identity(
    method: str, sink: Sink, tmp_path: Path
) -> None:
    done = run_program(
        tmp_path,
        CALL
        + f"""
import multiprocessing
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=call) for _ in range(2)]
    for child in children: child.start()
    for child in children: child.join()
    # Not before: a fork amid LiteLLM's own work after a call can copy a lock that is held.
    call()
    print([child.exitcode for child in children])
""",
        seconds=280,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_RESOURCE_ATTRIBUTES="service.instance.id=pod-1",
        **LONG,
    )
    assert done.stdout == "[0, 0]\n", done.stderr
    assert done.stderr == ""
    assert len(sink.spans) == 3
    assert len({span.resource["service.instance.id"] for span in sink.spans}) == 3
    assert sink.total("litellm.requests") == 3
    assert len([log for log in sink.logs if log.data.event_name == "litellm.request"]) == 3
    memory = {
        metric.resource["service.instance.id"]: metric.data.sum.data_points[0].as_int
        for metric in sink.metrics
        if metric.data.name == "process.memory.usage"
    }
    assert len(memory) == 3


def test_process_metrics_are_those_of_the_forked_child(sink: Sink, tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        CALL
        + """
import os, time
call()
waste = time.process_time() + 3
while time.process_time() < waste: pass
if os.fork() == 0:
    from opentelemetry import metrics
    metrics.get_meter_provider().force_flush()
    os._exit(0)
os.wait()
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        **LONG,
    )
    assert done.returncode == 0, done.stderr
    seconds = {
        metric.resource["service.instance.id"]: sum(
            point.as_double for point in metric.data.sum.data_points
        )
        for metric in sink.metrics
        if metric.data.name == "process.cpu.time"
    }
    child, parent = seconds.values()
    assert child < 1.5 < parent


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("handler", ["none", "own"])
def test_a_signal_right_after_a_call_loses_nothing(
    number: signal.Signals, handler: str, sink: Sink, tmp_path: Path
) -> None:
    own = "import signal, sys\nfor n in (signal.SIGTERM, signal.SIGINT):\n"
    own += "    signal.signal(n, lambda *_: sys.exit(5))\n"
    script = tmp_path / "program.py"
    script.write_text(
        CALL
        + (own if handler == "own" else "")
        + "import time\ncall()\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    program = subprocess.Popen(
        [*INSTRUMENT, str(script)],
        env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=sink.url, **LONG),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(number)
        status = program.wait(60)
    finally:
        program.kill()
        program.wait(10)
    # What the program's end looks like to others is as without us.
    assert status == (5 if handler == "own" else -number)
    assert len(sink.spans) == 1
    assert sink.total("litellm.requests") == 1


def test_an_ignored_signal_stays_ignored(sink: Sink, tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + CALL
        + "signal.raise_signal(signal.SIGTERM)\ncall()",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    assert done.returncode == 0, done.stderr
    assert len(sink.spans) == 1


def test_a_lock_held_by_the_interrupted_code_holds_the_end_up_no_longer_than_allowed(
    sink: Sink, tmp_path: Path
) -> None:
    done = run_program(
        tmp_path,
        CALL
        + """
import os, signal, threading, time
from litellm_otel import lifecycle
call()
lock = threading.Lock()
lifecycle.register_flush(lambda seconds: lock.acquire() and None)
start = time.monotonic()
signal.signal(signal.SIGALRM, lambda *_: print("held up", flush=True))
signal.alarm(20)
with lock:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        LITELLM_OTEL_FLUSH_TIMEOUT="2",
        **LONG,
    )
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == ""


def test_flush_callbacks_come_first_and_one_that_fails_harms_nobody(
    sink: Sink, tmp_path: Path
) -> None:
    done = run_program(
        tmp_path,
        CALL
        + """
from opentelemetry import trace
from litellm_otel import lifecycle
call()
tracer = trace.get_tracer("late")
lifecycle.register_flush(lambda seconds: 1 / 0)
lifecycle.register_flush(lambda seconds: tracer.start_span("pending").end())
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        **LONG,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "pending" in {span.data.name for span in sink.spans}


def test_a_second_flush_is_quick(sink: Sink, tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        CALL
        + """
import time
from litellm_otel import lifecycle
call()
assert lifecycle.flush_at_end()
start = time.monotonic()
assert lifecycle.flush_at_end()
print(time.monotonic() - start)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        **LONG,
    )
    assert float(done.stdout) < 30.0, done.stderr  # of the 40 s that a flush may take here
    assert len(sink.spans) == 1
