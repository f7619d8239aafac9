"""What clients sent is what every backend counts: with several workers, and when the proxy ends
right after the last response."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable

import pytest

from stack.arrivals import Arrivals, attempts, identities, orphans, provider_calls, routes, servers
from stack.components import Server
from stack.site import Backends
from stack.traffic import Mix, Traffic, kinds
from stack.waiting import NotInTime, settled, until
from stack.watched import Watched

TWO_HUNDRED: Mix = {
    kinds.WHOLE: 60,
    kinds.STREAMED: 40,
    kinds.TEXT: 12,
    kinds.TEXT_STREAMED: 8,
    kinds.EMBEDDING: 14,
    kinds.RETRIED: 16,
    kinds.FALLING_BACK: 12,
    kinds.FALLING_BACK_STREAMED: 6,
    kinds.BROKEN_OFF: 12,
    kinds.FAILING: 8,
    kinds.OUT_OF_QUOTA: 4,
    kinds.WRONG_KEY: 4,
    kinds.UNKNOWN_MODEL: 4,
}
FIFTY: Mix = {kind: max(1, count // 4) for kind, count in TWO_HUNDRED.items()}

# Nothing leaves by itself within a test: what arrives was flushed when the proxy ended.
NO_EXPORT_BEFORE_THE_END = {
    "OTEL_METRIC_EXPORT_INTERVAL": "600000",
    "OTEL_BSP_SCHEDULE_DELAY": "600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "600000",
}


def test_two_hundred_requests_through_two_workers(
    start_proxy: Callable[..., Watched], backends: Backends
) -> None:
    site = start_proxy(workers=2)
    before = len(backends.provider.calls)
    traffic = site.send(TWO_HUNDRED)
    assert len(traffic) == 200
    assert not traffic.unexpected()
    assert len(backends.provider.calls) - before == traffic.attempts
    assert_all_arrived(traffic, site.arrived)
    workers = {span.resource["service.instance.id"] for span in servers(site.arrived.spans)}
    assert len(workers) == 2


@pytest.mark.parametrize(
    ("server", "workers", "ending", "mix"),
    [
        pytest.param(Server.UVICORN, 1, signal.SIGTERM, FIFTY, id="uvicorn-1-SIGTERM"),
        pytest.param(Server.UVICORN, 2, signal.SIGTERM, TWO_HUNDRED, id="uvicorn-2-SIGTERM"),
        pytest.param(Server.GUNICORN, 2, signal.SIGTERM, FIFTY, id="gunicorn-2-SIGTERM"),
        pytest.param(Server.GRANIAN, 2, signal.SIGTERM, FIFTY, id="granian-2-SIGTERM"),
        pytest.param(Server.UVICORN, 1, signal.SIGINT, FIFTY, id="uvicorn-1-SIGINT"),
        pytest.param(Server.UVICORN, 2, signal.SIGINT, FIFTY, id="uvicorn-2-SIGINT"),
    ],
)
def test_nothing_is_lost_when_the_proxy_ends(
    start_proxy: Callable[..., Watched],
    server: Server,
    workers: int,
    ending: signal.Signals,
    mix: Mix,
) -> None:
    site = start_proxy(server=server, workers=workers, env=NO_EXPORT_BEFORE_THE_END)
    traffic = site.send(mix)
    # SIGINT goes to the whole group, as Ctrl-C in a terminal does; SIGTERM to the one process.
    site.proxy.signal(ending, group=ending is signal.SIGINT)
    site.proxy.wait(60.0)
    assert not traffic.unexpected()
    assert_all_arrived(traffic, site.arrived)


def assert_all_arrived(traffic: Traffic, arrived: Arrivals) -> None:
    """Waits for everything, then that nothing more comes, then compares."""
    sent = len(traffic)
    statuses = traffic.by_status()
    expected = {
        "server spans": sent,
        "route spans": traffic.routed,
        "attempt spans": traffic.attempts,
        "HTTP client spans": traffic.attempts,
        "records": sent,
        "requests": sent,
        "latencies": sent,
        "requests at Datadog": sent,
        "latencies at Datadog": sent,
        **statuses,
    }

    def counts() -> dict[str, int]:
        spans = arrived.spans
        requests = {
            status: arrived.total("litellm_requests_total", status=status) for status in statuses
        }
        return {
            "server spans": len(servers(spans)),
            "route spans": len(routes(spans)),
            "attempt spans": len(attempts(spans)),
            "HTTP client spans": len(provider_calls(spans)),
            "records": len(arrived.records),
            "requests": arrived.total("litellm_requests_total"),
            "latencies": arrived.total("litellm_request_latency_seconds_count"),
            "requests at Datadog": arrived.datadog_total("litellm.requests"),
            "latencies at Datadog": arrived.datadog_total("litellm.request.latency"),
            **requests,
        }

    with contextlib.suppress(NotInTime):  # the comparison below says what is missing
        until(lambda: counts() == expected, what="everything at the backends", interval=0.5)
    settled(counts, what="no more arrivals", quiet_for=2.0)
    assert counts() == expected

    spans = arrived.spans
    assert len(identities(spans)) == len(spans)
    assert not orphans(spans)

    records = arrived.records
    assert all(record.trace_id for record in records)
    seen = {each.call_id for each in traffic if each.call_id}
    recorded = {record.attributes.get("litellm.call.id") for record in records}
    assert seen <= recorded
