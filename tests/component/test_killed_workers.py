"""What a worker has counted arrives over OTLP, however it ends: each total once, as it would have sent it."""

from __future__ import annotations

import os
import random
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from litellm_otel.workers import ledger, meeting
from stack.waiting import until
from tests.component.otlp_sink import attributes
from tests.component.programs import CALL, run_program
from tests.component.proxy_process import START_SECONDS, Clients, running_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Sink
    from tests.component.proxy_process import Provider, Proxy

pytestmark = pytest.mark.timeout(600)

NEVER = "3600000"
"""Milliseconds: only what is done at an end explains what arrives."""
OFTEN = "1000"
COUNTED = {
    "litellm.requests": 1,
    "litellm.request.latency": 1,
    "litellm_deployment_success_responses": 1,
    "litellm_input_tokens_metric": 3,
}
"""Counters and a histogram, and what a request adds to each."""
SERVERS = {
    # Importing LiteLLM can take a loaded machine longer than the 5 s that uvicorn gives a worker.
    "uvicorn": ("--num_workers", "3", "--timeout_worker_healthcheck", "60"),
    "gunicorn": ("--num_workers", "3", "--run_gunicorn"),
    "gunicorn by itself": (),
}
DIRECTLY = """
import os, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
os.environ["CONFIG_FILE_PATH"] = given["--config"]
address = f"{given['--host']}:{given['--port']}"
options = ["-k", "uvicorn.workers.UvicornWorker", "-w", "3", "-b", address, "-t", "200"]
sys.argv = ["gunicorn", "litellm.proxy.proxy_server:app", *options]
from gunicorn.app.wsgiapp import run
run()
"""
"""gunicorn as it is without LiteLLM's command: only its workers import LiteLLM."""


@dataclass(frozen=True)
class Point:
    instance: str
    value: float
    time: int


def points(sink: Sink, name: str) -> dict[Any, list[Point]]:
    """The points of each series in the order they came in. When it began is a part of what it is."""
    found: dict[Any, list[Point]] = {}
    for metric in sink.metrics:
        if metric.data.name == name:
            kind = metric.data.WhichOneof("data")
            data = getattr(metric.data, kind)
            for point in data.data_points:
                value = point.count if kind == "histogram" else point.as_double or point.as_int
                key = (
                    frozenset(metric.resource.items()),
                    (metric.scope, metric.data.unit, metric.data.description, kind),
                    frozenset(attributes(point).items()),
                    point.start_time_unix_nano,
                )
                instance = metric.resource["service.instance.id"]
                found.setdefault(key, []).append(Point(instance, value, point.time_unix_nano))
    return found


def totals(sink: Sink) -> dict[str, float]:
    """How many requests each of `COUNTED` has seen in all."""
    return {
        name: sum(series[-1].value for series in points(sink, name).values()) / each
        for name, each in COUNTED.items()
    }


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_killed_child_is_heard_of_as_if_it_had_sent_its_counts_itself(
    method: str, sink: Sink, tmp_path: Path, short_tmp: Path
) -> None:
    done = run_program(
        tmp_path,
        CALL
        + f"""
import multiprocessing, os, signal
from opentelemetry import metrics
def child():
    call()
    metrics.get_meter_provider().force_flush()
    call()
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    killed = context.Process(target=child)
    killed.start()
    killed.join()
    call()
""",
        seconds=280,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_METRIC_EXPORT_INTERVAL=NEVER,
        TMPDIR=str(short_tmp),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for name in ("litellm.requests", "litellm.request.latency"):
        series = [
            list(dict.fromkeys(point.value for point in each))
            for each in points(sink, name).values()
        ]
        assert sorted(series) == [[1], [1, 2]], "what goes on is the series that was there"
    (killed,) = {
        each[0].instance
        for each in points(sink, "litellm.requests").values()
        if each[-1].value == 2
    }
    memory = points(sink, "process.memory.usage").values()
    assert [len(each) for each in memory if each[0].instance == killed] == [1]
    assert list(short_tmp.glob("litellm-otel-*")) == []


@pytest.mark.parametrize(
    ("server", "interval"), [("uvicorn", NEVER), ("gunicorn", OFTEN), ("gunicorn by itself", OFTEN)]
)
def test_totals_stay_exact_while_workers_are_killed(
    server: str, interval: str, sink: Sink, provider: Provider, tmp_path: Path, short_tmp: Path
) -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_METRIC_EXPORT_INTERVAL": interval,
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "LITELLM_OTEL_FLUSH_TIMEOUT": "20",
        "TMPDIR": str(short_tmp),
    }
    command = ["opentelemetry-instrument", "litellm"]
    if not SERVERS[server]:
        script = tmp_path / "directly.py"
        script.write_text(DIRECTLY)
        command = ["opentelemetry-instrument", sys.executable, str(script)]
    started = running_proxy(tmp_path, provider, *SERVERS[server], command=command, env=env)
    with started as proxy:
        clients = Clients(proxy)
        # All but one: a new one may take a loaded machine minutes to start.
        to_kill = random.sample(workers_of(proxy), 2)

        def kill() -> None:
            for pid in to_kill:
                clients.wait_for_more(random.randrange(5, 40))
                until(
                    lambda pid=pid: has_counted(pid, short_tmp),
                    what="its share of the work",
                    timeout=START_SECONDS,
                )
                os.kill(pid, signal.SIGKILL)
            clients.wait_for_more(20)

        clients.ask_during(kill)
        if interval == OFTEN:
            until(lambda: all_are_counted(sink, clients), what="the last counts", timeout=60.0)
        proxy.stop(seconds=150)

    assert all_are_counted(sink, clients), (clients.answered, clients.broken, totals(sink))
    if interval == NEVER:
        # Of those that were killed nothing is known but counts.
        silent = instances(sink, "litellm.requests") - instances(sink, "litellm_in_flight_requests")
        assert len(silent) == len(to_kill)
    assert proxy.lines("litellm-otel") == []
    assert list(short_tmp.glob("litellm-otel-*")) == []


def all_are_counted(sink: Sink, clients: Clients) -> bool:
    """Once each: what was answered, and no more than was asked."""
    least, most = clients.answered, clients.answered + clients.broken
    return all(least <= total <= most for total in totals(sink).values())


def has_counted(pid: int, temporary: Path) -> bool:
    """Whether a worker has been asked; requests are dealt out by chance."""
    files = temporary.glob(f"{meeting.PREFIX}*/{pid}-*{meeting.WILL}")
    series = [each for file in files for each in ledger.read(file.read_bytes()).series]
    return any(each.metric.name == "litellm.requests" and each.cells[each.index] for each in series)


def instances(sink: Sink, name: str) -> set[str]:
    return {point.instance for series in points(sink, name).values() for point in series}


def workers_of(proxy: Proxy) -> list[int]:
    """Without multiprocessing's own helper."""
    children = psutil.Process(proxy.process.pid).children()
    return [each.pid for each in children if "resource_tracker" not in " ".join(each.cmdline())]
