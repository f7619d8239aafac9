"""A real Prometheus scrapes a proxy with two workers, at both places and in OpenMetrics, with LiteLLM's key."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from stack.components import Prometheus, Proxy, Server
from stack.gateway import Gateway
from stack.paths import RunDirectory
from stack.ports import free_port
from stack.running import Running
from stack.standins.provider import Provider
from stack.traffic import Mix, kinds, send
from stack.waiting import NotInTime, until

MIX: Mix = {kinds.WHOLE: 6, kinds.STREAMED: 3, kinds.FALLING_BACK: 2, kinds.FAILING: 2}
JOBS = ("proxy", "port")


@dataclass
class Scraped:
    proxy: Proxy
    prometheus: Prometheus

    def latest(self, job: str, name: str) -> float:
        """The sum of the series as scraped last."""
        return self.prometheus.value(f'sum({name}{{job="{job}"}})')

    def by_status(self, job: str) -> dict[str, float]:
        """Requests as scraped last."""
        query = f'sum by (status) (litellm_requests_total{{job="{job}"}})'
        return {
            each["metric"]["status"]: float(each["value"][1])
            for each in self.prometheus.query(query)
        }


@pytest.fixture
def scraped(own_run: RunDirectory) -> Iterator[Scraped]:
    port = free_port()
    with Running() as running:
        provider = running.add(Provider())
        proxy = running.add(
            Proxy(
                Gateway(provider.base_url),
                run=own_run,
                server=Server.UVICORN,
                workers=2,
                env={
                    "OTEL_TRACES_EXPORTER": "none",
                    "OTEL_LOGS_EXPORTER": "none",
                    "OTEL_METRICS_EXPORTER": "prometheus",
                    "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
                    "LITELLM_OTEL_METRICS_ENDPOINT": "true",
                },
            )
        )
        key = own_run.write("prometheus/key", proxy.gateway.master_key)
        targets = {
            "proxy": f"127.0.0.1:{proxy.port}",
            "port": f"localhost:{port}",
        }
        prometheus = running.add(
            Prometheus(
                run=own_run,
                flags=["--enable-feature=exemplar-storage"],
                changes={
                    "scrape_configs": [
                        {
                            "job_name": job,
                            "scrape_interval": "3s",  # and as long it may take
                            "scrape_protocols": ["OpenMetricsText1.0.0"],
                            "static_configs": [{"targets": [target]}],
                            **(
                                {"authorization": {"credentials_file": str(key)}}
                                if job == "proxy"
                                else {}
                            ),
                        }
                        for job, target in targets.items()
                    ]
                },
            )
        )
        running.await_ready()
        yield Scraped(proxy, prometheus)


def test_prometheus_sees_all_workers_and_every_count_when_one_is_killed(scraped: Scraped) -> None:
    proxy, prometheus = scraped.proxy, scraped.prometheus
    asked: Counter[str] = Counter()

    def ask() -> None:
        asked.update(send(proxy.url, proxy.gateway.master_key, MIX, concurrency=4).by_status())
        for job in JOBS:
            try:
                until(lambda job=job: scraped.by_status(job) == asked, what="all")
            except NotInTime:
                assert scraped.by_status(job) == asked

    def workers(job: str) -> set[int]:
        found = prometheus.query(f'process_uptime_seconds{{job="{job}"}}')
        return {int(each["metric"]["pid"]) for each in found}

    ask()
    for job in JOBS:
        # A page that takes longer than the time between two scrapes leaves nothing for once.
        until(
            lambda job=job: (
                scraped.latest(job, "litellm_request_latency_seconds_count") == asked.total()
            ),
            what=f"each latency at the {job}",
        )
        until(lambda job=job: len(workers(job)) == 2, what=f"both at the {job}")
    killed = min(until(lambda: workers("port"), what="the workers"))
    os.kill(killed, signal.SIGKILL)
    until(
        lambda: not prometheus.query(f'process_uptime_seconds{{pid="{killed}"}}'),
        what="the killed worker to be gone",
    )
    ask()
    for job in JOBS:
        increase = f'sum(resets(litellm_requests_total{{job="{job}"}}[10m]))'
        assert prometheus.value(increase) == 0, "no count went back"
