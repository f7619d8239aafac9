"""Nothing is lost when the proxy or its workers are stopped right after an answer, under whatever server."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest

from stack.waiting import until
from tests.component.proxy_process import START_SECONDS, Clients, running_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Sink
    from tests.component.proxy_process import Provider, Proxy

pytestmark = pytest.mark.timeout(1200)

WHOLE, STREAMED = 12, 4
# So long that nothing leaves but by a flush.
NEVER = {
    "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "3600000",
    "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
    # A loaded machine may need more than the 5 s that are given it else.
    "LITELLM_OTEL_FLUSH_TIMEOUT": "20",
}
# Importing LiteLLM can take a loaded machine minutes. uvicorn gives a worker 5 s, and keeps an old one
# for good if the new one is not ready in time.
PATIENT = ("--timeout_worker_healthcheck", "400")
SERVERS = {
    "gunicorn-2": (("--run_gunicorn", "--num_workers", "2"), 2),
    "uvicorn-2": (("--num_workers", "2", *PATIENT), 2),
    "granian-2": (("--run_granian", "--num_workers", "2"), 2),
}


# The other servers and signals are in tests/stack/test_counts.py, to the last backend.
@pytest.mark.parametrize("number", [signal.SIGINT], ids=["SIGINT"])
@pytest.mark.parametrize("server", ["gunicorn-2", "granian-2"])
def test_nothing_is_lost(
    server: str, number: signal.Signals, sink: Sink, provider: Provider, tmp_path: Path
) -> None:
    options, workers = SERVERS[server]
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, **NEVER}
    with running_proxy(tmp_path, provider, *options, env=env) as proxy:
        proxy.wait_for_workers(workers)
        proxy.ask(WHOLE)
        proxy.ask(STREAMED, stream=True)
        # gunicorn gives a worker that does not quit on SIGINT 30 s, and then kills it.
        proxy.stop(number, seconds=120)

    asked = WHOLE + STREAMED
    assert len(sink.server_spans) == asked
    assert len([log for log in sink.logs if log.data.event_name == "litellm.request"]) == asked
    assert sink.total("litellm.requests") == asked

    serving = {
        metric.resource["service.instance.id"]
        for metric in sink.metrics
        if metric.data.name == "litellm_in_flight_requests"
    }
    assert len(serving) == workers, "each worker reports, its idle parent does not"
    assert {span.resource["service.instance.id"] for span in sink.server_spans} <= serving
    assert {span.resource["service.name"] for span in sink.spans} == {"litellm"}

    for span in sink.spans:
        assert span.data.end_time_unix_nano
    per_trace = Counter(span.data.trace_id for span in sink.server_spans)
    assert set(per_trace.values()) == {1}
    assert "Traceback" not in proxy.output
    assert "recursive logging" not in proxy.output
    assert proxy.lines("litellm-otel") == []


@pytest.mark.parametrize("server", ["gunicorn-2", "uvicorn-2"])
def test_totals_stay_exact_while_workers_are_replaced(
    server: str, sink: Sink, provider: Provider, tmp_path: Path
) -> None:
    """As a deployment does with SIGHUP: all of them, while clients ask."""
    options, workers = SERVERS[server]
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, **NEVER}
    with running_proxy(tmp_path, provider, *options, env=env) as proxy:
        proxy.wait_for_workers(workers)
        clients = Clients(proxy)

        def replace_all() -> None:
            clients.wait_for_more(20)
            before = workers_of(proxy)
            proxy.process.send_signal(signal.SIGHUP)
            until(
                lambda: not before & workers_of(proxy) and len(workers_of(proxy)) == workers,
                what="all workers to be new ones",
                timeout=2 * START_SECONDS,  # uvicorn replaces one after the other
                retry_on=(psutil.Error,),
            )
            proxy.wait_for_workers(2 * workers)
            clients.wait_for_more(20)

        clients.ask_during(replace_all)
        proxy.stop(seconds=120)

    least, most = clients.answered, clients.answered + clients.broken
    assert least > 40
    assert least <= sink.total("litellm.requests") <= most
    assert least <= len(sink.server_spans) <= most
    assert least <= len([log for log in sink.logs if log.data.event_name == "litellm.request"])
    instances = {metric.resource["service.instance.id"] for metric in sink.metrics}
    assert len(instances) >= 2 * workers
    assert proxy.lines("litellm-otel") == []


def workers_of(proxy: Proxy) -> set[psutil.Process]:
    """Without multiprocessing's own helper."""
    children = psutil.Process(proxy.process.pid).children()
    return {each for each in children if "resource_tracker" not in " ".join(each.cmdline())}
