"""Nothing is lost when the proxy is stopped right after its last answer, under whatever server."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.component.proxy_process import running_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Sink
    from tests.component.proxy_process import Provider

pytestmark = pytest.mark.timeout(600)

WHOLE, STREAMED = 12, 4
# So long that nothing leaves but by a flush.
NEVER = {
    "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "3600000",
    "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
}
# Importing LiteLLM can take a loaded machine longer than the 5 s that uvicorn gives a worker.
PATIENT = ("--timeout_worker_healthcheck", "90")
SERVERS = {
    "gunicorn-2": (("--run_gunicorn", "--num_workers", "2"), 2),
    "granian-2": (("--run_granian", "--num_workers", "2"), 2),
}


# The other servers and signals are in tests/stack/test_counts.py, to the last backend.
@pytest.mark.parametrize("number", [signal.SIGINT], ids=["SIGINT"])
@pytest.mark.parametrize("server", SERVERS)
def test_nothing_is_lost(
    server: str, number: signal.Signals, sink: Sink, provider: Provider, tmp_path: Path
) -> None:
    options, workers = SERVERS[server]
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, **NEVER}
    with running_proxy(tmp_path, provider, *options, env=env) as proxy:
        proxy.ask(WHOLE)
        proxy.ask(STREAMED, stream=True)
        # gunicorn gives a worker that does not quit on SIGINT 30 s, and then kills it.
        proxy.stop(number, seconds=60)

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
