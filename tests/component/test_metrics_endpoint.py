"""One page for all workers: at the proxy's own port and at the exporter's, whoever dies meanwhile."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from stack.ports import free_port
from stack.waiting import until
from tests.component.otlp_sink import Sink
from tests.component.programs import CALL, run_program
from tests.component.proxy_process import (
    KEY,
    START_SECONDS,
    Clients,
    Provider,
    Proxy,
    running_proxy,
)

pytestmark = pytest.mark.timeout(600)

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
WORKERS = 3
"""One to be killed, one to be told to end, and one that goes on."""
SERVERS = {
    # Importing LiteLLM can take a loaded machine longer than the 5 s that uvicorn gives a worker.
    "uvicorn": ("--num_workers", str(WORKERS), "--timeout_worker_healthcheck", "60"),
    "gunicorn": ("--num_workers", str(WORKERS), "--run_gunicorn"),
}


@dataclass
class Scraped:
    """A proxy with several workers, and what can be scraped of it."""

    proxy: Proxy
    port: int
    sink: Sink
    restarts_soon: bool
    """uvicorn takes as long to see that a worker is gone as it waits for its answer."""
    highest: dict[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        self.clients = Clients(self.proxy)

    def get(
        self, url: str | None = None, accept: str = "text/plain", key: str = KEY
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}", "Accept": accept} if key else {}
        return httpx.get(
            url or f"http://localhost:{self.port}/metrics",
            headers=headers,
            timeout=30,
            trust_env=False,
        )

    def samples(self, url: str | None = None) -> list[Sample]:
        answer = self.get(url)
        assert answer.status_code == 200, answer.text
        found = [
            sample
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        ]
        self._never_goes_back(found)
        return found

    def _never_goes_back(self, samples: list[Sample]) -> None:
        for sample in samples:
            if sample.name.endswith(("_total", "_count", "_bucket")) and "pid" not in sample.labels:
                series = f"{sample.name}{sorted(sample.labels.items())}"
                assert sample.value >= self.highest.get(series, 0.0), series
                self.highest[series] = sample.value

    def page_of(self, pids: set[int], url: str | None = None) -> list[Sample]:
        """The page with these workers and no others: one that gets no CPU for seconds is not shown."""

        def shown() -> list[Sample] | None:
            samples = self.samples(url)
            named = (each for each in samples if each.name.startswith("process_"))
            return samples if {int(each.labels["pid"]) for each in named} == pids else None

        return until(shown, what=f"the workers {pids} on the page")

    def workers(self) -> set[int]:
        """Those that show themselves on the page."""
        return {
            int(sample.labels["pid"])
            for sample in self.samples()
            if sample.name == "process_uptime_seconds"
        }

    def all_workers(self) -> set[int]:
        return until(
            lambda: found if len(found := self.workers()) == WORKERS else None,
            what="all workers on the page",
            timeout=START_SECONDS,
            retry_on=(httpx.HTTPError,),
        )

    def holder(self) -> int:
        """The worker that has the exporter's port."""
        return next(
            connection.pid or 0
            for connection in psutil.net_connections("tcp")
            if connection.laddr.port == self.port and connection.status == psutil.CONN_LISTEN
        )

    def ask(self, count: int) -> None:
        for _ in range(count):
            # A connection each, so that each worker gets some.
            self.proxy.ask(1)
            self.clients.answered += 1

    def assert_all_is_counted(self, urls: tuple[str | None, ...] | None = None) -> None:
        """What was answered is counted once; of what was broken off nobody can say if it had been."""
        for url in urls or (None, f"{self.proxy.url}/metrics"):
            samples = self.samples(url)
            for name, each in (
                ("litellm_requests_total", 1),
                ("litellm_request_latency_seconds_count", 1),
                ("litellm_deployment_success_responses_total", 1),
                ("litellm_input_tokens_metric_total", 3),
            ):
                total = sum(sample.value for sample in samples if sample.name == name)
                least, broken = self.clients.answered, self.clients.broken
                assert least <= total / each <= least + broken, name


@pytest.fixture(scope="module", params=SERVERS)
def scraped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, short_tmp: Path
) -> Iterator[Scraped]:
    port = free_port()
    with ExitStack() as stack:
        sink = Sink().start()
        stack.callback(sink.stop)
        provider = Provider()
        stack.callback(provider.server_close)
        stack.callback(provider.shutdown)
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_METRICS_EXPORTER": "prometheus",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
            "LITELLM_OTEL_METRICS_ENDPOINT": "true",
            "TMPDIR": str(short_tmp),
        }
        proxy = stack.enter_context(
            running_proxy(
                tmp_path_factory.mktemp("proxy"), provider, *SERVERS[request.param], env=env
            )
        )
        yield Scraped(proxy, port, sink, restarts_soon=request.param != "uvicorn")


def test_every_worker_shows_all_of_them(scraped: Scraped) -> None:
    pids = scraped.all_workers()
    scraped.ask(8)
    for url in (None, f"{scraped.proxy.url}/metrics", f"{scraped.proxy.url}/metrics/"):
        for _ in range(4):  # whichever answers
            samples = scraped.page_of(pids, url)
            counted = [each for each in samples if each.name == "litellm_requests_total"]
            assert [(each.labels, each.value) for each in counted] == [
                (
                    {"model": "fast", "provider": "openai", "status": "success"},
                    scraped.clients.answered,
                )
            ]
            (in_flight,) = [each for each in samples if each.name == "litellm_in_flight_requests"]
            assert (in_flight.labels, in_flight.value) == ({}, 0)
            hooks = [each.value for each in samples if each.name == "litellm_otel_hooks"]
            assert set(hooks) == {1}, "a fact does not add up"
            assert not [each for each in samples if "otel_scope_name" in each.labels]
    scraped.assert_all_is_counted()


def test_openmetrics_has_exemplars_that_lead_to_traces(scraped: Scraped) -> None:
    scraped.ask(2)
    answer = scraped.get(accept=OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in openmetrics_families(answer.text)}
    exemplars = [
        sample.exemplar
        for sample in families["litellm_request_latency_seconds"].samples
        if sample.exemplar is not None
    ]
    assert exemplars
    traces = {exemplar.labels["trace_id"] for exemplar in exemplars}
    assert scraped.sink.wait_for(
        lambda: traces <= {span.data.trace_id.hex() for span in scraped.sink.server_spans}
    )
    assert "exemplar" not in scraped.get().text
    assert not re.search(r" # \{", scraped.get().text)


def test_the_proxys_page_is_behind_litellms_authentication(scraped: Scraped) -> None:
    url = f"{scraped.proxy.url}/metrics"
    scraped.ask(1)
    assert scraped.get(url, key="").status_code == 401
    assert scraped.get(url, key="sk-wrong").status_code == 401
    assert "litellm_requests_total" in scraped.get(url).text
    assert scraped.proxy.lines("litellm-otel") == []


def test_a_worker_that_does_not_answer_is_shown_by_its_counts(scraped: Scraped) -> None:
    pids = scraped.all_workers()
    stopped = next(iter(pids - {scraped.holder()}))
    os.kill(stopped, signal.SIGSTOP)
    try:
        scraped.assert_all_is_counted(urls=(None,))
        scraped.page_of(pids - {stopped})
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert scraped.all_workers() == pids
    scraped.assert_all_is_counted()


def test_a_killed_worker_takes_its_gauges_and_not_its_counts(scraped: Scraped) -> None:
    first = scraped.all_workers()
    holder = scraped.holder()
    assert holder in first, "the idle parent serves nothing"

    def kill() -> None:
        scraped.clients.wait_for_more(20)
        os.kill(holder, signal.SIGKILL)
        others = first - {holder}
        # Another worker takes the port at once; the one that is started anew shows up.
        until(
            lambda: others <= scraped.workers() and holder not in scraped.workers(),
            what="the rest to be shown",
            timeout=60.0,
            retry_on=(httpx.HTTPError,),
        )

    scraped.clients.ask_during(kill)
    if scraped.restarts_soon:
        assert len(scraped.all_workers() - first) == 1
    scraped.ask(4)
    scraped.assert_all_is_counted()
    assert holder not in scraped.workers()


def test_a_worker_that_is_told_to_end_loses_nothing(scraped: Scraped) -> None:
    others = until(
        lambda: scraped.workers() - {scraped.holder()}, what="one beside that with the port"
    )
    ended = next(iter(others))

    def end() -> None:
        scraped.clients.wait_for_more(10)
        os.kill(ended, signal.SIGTERM)
        until(
            lambda: ended not in scraped.workers(),
            what="it to be gone",
            timeout=60.0,
            retry_on=(httpx.HTTPError,),
        )

    scraped.clients.ask_during(end)
    scraped.assert_all_is_counted()


def test_nothing_is_left_behind(scraped: Scraped, short_tmp: Path) -> None:
    """Last in this module: it ends the proxy."""
    assert list(short_tmp.glob("litellm-otel-*"))
    scraped.proxy.stop(seconds=150)
    assert list(short_tmp.glob("litellm-otel-*")) == []
    assert "please report it" not in scraped.proxy.output


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_a_program_are_counted_when_they_are_gone(
    method: str, tmp_path: Path, short_tmp: Path
) -> None:
    done = run_program(
        tmp_path,
        CALL
        + f"""
import multiprocessing, os, signal, urllib.request
def child(killed):
    call()
    if killed: os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=child, args=(killed,)) for killed in (False, True)]
    for each in children: each.start()
    for each in children: each.join()
    call()
    url = "http://localhost:" + os.environ["OTEL_EXPORTER_PROMETHEUS_PORT"] + "/metrics"
    for line in urllib.request.urlopen(url).read().decode().splitlines():
        if line.startswith(("litellm_requests_total{{", "process_uptime_seconds{{")): print(line)
""",
        seconds=280,
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(free_port()),
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        TMPDIR=str(short_tmp),
    )
    assert done.returncode == 0, done.stderr
    counted, alive = done.stdout.splitlines()
    assert counted.endswith("} 3.0")
    assert alive.startswith("process_uptime_seconds{pid=")
    assert done.stderr == ""
    assert list(short_tmp.glob("litellm-otel-*")) == []
