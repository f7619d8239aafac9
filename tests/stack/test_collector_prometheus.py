"""Metrics to Prometheus by each of its three ways, to stores with passwords and tenants, and what
Prometheus does with them: names, processes, exemplars, late samples, tiers of retention."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import ClientSession, web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from alerting import configs
from stack.components.collector import Collector
from stack.components.prometheus import Prometheus
from stack.drill.load import Load, post
from stack.paths import RunDirectory
from stack.ports import free_port
from stack.standins.server import StandIn
from stack.waiting import until
from tools.build import binary

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
TRACE = bytes(range(16))
MINUTE = 60 * 10**9


def attributes(**values: str) -> list[KeyValue]:
    return [
        KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=value))
        for key, value in values.items()
    ]


def export(instance: str, *metrics: Metric) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    resource = Resource(
        attributes=attributes(
            service__name="litellm",
            service__namespace="ai",
            service__instance__id=instance,
            deployment__environment__name="test",
        )
    )
    request.resource_metrics.add(resource=resource).scope_metrics.add().metrics.extend(metrics)
    return request


def counter(name: str, value: int, at: int, **labels: str) -> Metric:
    metric = Metric(name=name, unit="{request}")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = CUMULATIVE
    metric.sum.data_points.add(
        start_time_unix_nano=at - 60 * MINUTE,
        time_unix_nano=at,
        as_int=value,
        attributes=attributes(**labels),
    )
    return metric


def latency(at: int) -> Metric:
    """A histogram whose one observation leads to a trace."""
    metric = Metric(name="litellm.request.latency", unit="s")
    metric.histogram.aggregation_temporality = CUMULATIVE
    point = metric.histogram.data_points.add(
        start_time_unix_nano=at - MINUTE,
        time_unix_nano=at,
        count=1,
        sum=1.5,
        bucket_counts=[0, 1, 0],
        explicit_bounds=[1.0, 2.0],
    )
    point.exemplars.add(time_unix_nano=at, as_double=1.5, trace_id=TRACE, span_id=TRACE[:8])
    return metric


class Store(StandIn):
    """What stands before Mimir, Cortex, Thanos or VictoriaMetrics: a login and a tenant; behind it
    a real Prometheus, because nothing stricter can be had."""

    name = "remote store"

    def __init__(self, behind: Prometheus, *, authorization: str, tenant: str) -> None:
        super().__init__()
        self.behind = behind
        self.wanted = {"Authorization": authorization, "X-Scope-OrgID": tenant}
        self.push_url = f"{self.url}/api/v1/push"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/api/v1/push", self._push)]

    async def _push(self, request: web.Request) -> web.Response:
        for name, value in self.wanted.items():
            if request.headers.get(name, "") != value:
                self.refuse(request.path, name)
                return web.Response(status=401)
        kept = {"Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version"}
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with ClientSession(auto_decompress=False) as session:
            body = await request.read()
            async with session.post(
                self.behind.remote_write_url, data=body, headers=headers
            ) as answer:
                return web.Response(status=answer.status, body=await answer.read())

    def state(self) -> dict[str, Any]:
        return {"wanted": sorted(self.wanted)}

    def forget(self) -> None:
        """Nothing is kept here."""


WAYS = ("remote write", "OTLP", "scraped")


def test_all_three_ways_make_the_same_series(own_run: RunDirectory) -> None:
    """Names, labels and processes: two workers are two instances of one job."""
    scraped = f"127.0.0.1:{free_port()}"
    job = yaml.safe_load((configs.PROMETHEUS.parent / "scrape" / "litellm.yml").read_text())
    job["scrape_configs"][0]["static_configs"][0]["targets"] = [scraped]
    job["scrape_configs"][0]["scrape_interval"] = "1s"
    servers = {
        "remote write": Prometheus(run=own_run, name="prometheus-1"),
        "OTLP": Prometheus(run=own_run, name="prometheus-2", flags=["--web.enable-otlp-receiver"]),
        "scraped": Prometheus(run=own_run, name="prometheus-3", changes=job),
    }
    ways = {
        "remote write": {
            "PROMETHEUS_REMOTE_WRITE_ENDPOINT": servers["remote write"].remote_write_url
        },
        "OTLP": {"PROMETHEUS_OTLP_ENDPOINT": servers["OTLP"].otlp_url},
        "scraped": {"PROMETHEUS_SCRAPE_ENDPOINT": scraped},
    }
    with ExitStack() as started:
        for server in servers.values():
            started.enter_context(server)
        found: dict[str, set[str]] = {}
        for number, way in enumerate(WAYS):
            collector = Collector(
                run=own_run, configs=["task:prometheus"], env=ways[way], name=f"collector-{number}"
            )
            started.enter_context(collector)
            assert "prometheus: off" not in collector.log
            now = time.time_ns()
            for worker in ("one", "two"):
                request = export(
                    worker,
                    counter("litellm.requests", 3, now, model="gpt-4o"),
                    counter("litellm_total_tokens_metric", 4, now),
                    latency(now),
                )
                post(collector.endpoint, "metrics", request).raise_for_status()
            server = servers[way]
            until(
                lambda server=server: server.value("sum(litellm_requests_total)") == 6,
                what=f"metrics by {way}",
                retry_on=(httpx.HTTPError,),
            )
            # A page may be scraped while a process' metrics are put on it, of which this is the last.
            until(
                lambda server=server: (
                    server.value("sum(litellm_request_latency_seconds_count)") == 2
                ),
                what=f"the histograms by {way}",
            )
            # A page that is scraped has whole limits of buckets as 2.0, as Prometheus wants it.
            found[way] = {
                str(sorted(series.items())).replace(".0')", "')")
                for series in server.series('{__name__=~"litellm.+"}')
            }
        assert any("litellm_total_tokens_metric_total" in series for series in found["scraped"])
        assert {re.search(r"'instance', '(\w+)'", each)[1] for each in found["OTLP"]} == {  # type: ignore[index]
            "one",
            "two",
        }
        assert all("'job', 'ai/litellm'" in each for each in found["OTLP"])
        assert found["OTLP"] == found["remote write"]
        assert found["scraped"] == found["remote write"]


@pytest.mark.parametrize("login", ["password", "token"])
def test_a_store_with_a_login_and_tenants(
    login: str, own_run: RunDirectory, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("5ecret$\n")
    basic = "Basic " + base64.b64encode(b"litellm:5ecret$").decode()
    authorization = basic if login == "password" else "Bearer 5ecret$"
    env: Mapping[str, str] = (
        {"PROMETHEUS_USERNAME": "litellm", "PROMETHEUS_PASSWORD_FILE": str(secret)}
        if login == "password"
        else {"PROMETHEUS_BEARER_TOKEN_FILE": str(secret)}
    )
    with (
        Prometheus(run=own_run) as prometheus,
        Store(prometheus, authorization=authorization, tenant="team-a") as store,
        Collector(
            run=own_run,
            configs=["task:prometheus"],
            prometheus=store.push_url,
            env={"PROMETHEUS_TENANT": "team-a", **env},
        ) as collector,
    ):
        Load(collector.endpoint).send(range(1, 4))
        until(lambda: prometheus.total("load_requests_total") == 3, what="metrics")
        assert store.failures == []
        assert "5ecret" not in collector.log


def test_exemplars_lead_from_a_latency_to_its_trace(own_run: RunDirectory) -> None:
    with (
        Prometheus(run=own_run, flags=["--enable-feature=exemplar-storage"]) as prometheus,
        Collector(
            run=own_run, configs=["task:prometheus"], prometheus=prometheus.remote_write_url
        ) as collector,
    ):
        post(collector.endpoint, "metrics", export("one", latency(time.time_ns())))
        selector = "litellm_request_latency_seconds_bucket"
        [exemplar] = until(lambda: prometheus.exemplars(selector), what="the exemplar")
        assert exemplar["labels"]["trace_id"] == TRACE.hex()
        assert float(exemplar["value"]) == 1.5


def test_what_comes_late_and_out_of_order_is_taken_within_the_window(
    own_run: RunDirectory,
) -> None:
    with (
        Prometheus(run=own_run) as prometheus,
        Collector(
            run=own_run, configs=["task:prometheus"], prometheus=prometheus.remote_write_url
        ) as collector,
    ):
        now = time.time_ns()
        for value, minutes in ((30, 0), (10, 20), (20, 10)):
            request = export("one", counter("litellm.requests", value, now - minutes * MINUTE))
            post(collector.endpoint, "metrics", request).raise_for_status()
        until(
            lambda: prometheus.value("count_over_time(litellm_requests_total[1h])") == 3,
            what="all three samples",
        )
        assert prometheus.value("litellm_requests_total offset 18m") == 10


# Tiers


def tiers(own_run: RunDirectory, long_term: Prometheus) -> Prometheus:
    rendered = yaml.safe_load(configs.prometheus(remote_write=long_term.remote_write_url))
    return Prometheus(run=own_run, changes={"remote_write": rendered["remote_write"]})


def test_promtool_accepts_the_tiers_and_the_scrape_example(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    text = configs.prometheus(rule_files=[], remote_write="https://store.example.com/api/v1/push")
    document = yaml.safe_load(text)
    document["scrape_config_files"] = [str(configs.PROMETHEUS.parent / "scrape" / "*.yml")]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = subprocess.run(
        [binary("promtool"), "check", "config", path], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    path.write_text(path.read_text().replace("labeldrop", "drop").replace("keep", "kept"))
    done = subprocess.run([binary("promtool"), "check", "config", path], capture_output=True)
    assert done.returncode != 0


def test_the_store_of_the_long_term_gets_its_tiers_and_nothing_else(own_run: RunDirectory) -> None:
    long_term = Prometheus(run=own_run, name="long-term")
    with (
        long_term,
        tiers(own_run, long_term) as prometheus,
        Collector(
            run=own_run, configs=["task:prometheus"], prometheus=prometheus.remote_write_url
        ) as collector,
    ):
        now = time.time_ns()
        request = export(
            "one",
            counter("litellm.requests", 1, now),
            counter("litellm_spend_metric", 2, now),
            counter("litellm.something.else", 3, now),
            latency(now),
        )
        post(collector.endpoint, "metrics", request).raise_for_status()
        until(lambda: prometheus.series("litellm_something_else_total"), what="all here")
        selector = '{__name__=~"litellm.+"}'
        expected = {
            "litellm_requests_total": "395d",
            "litellm_spend_metric_total": "395d",
            "litellm_request_latency_seconds_bucket": "90d",
            "litellm_request_latency_seconds_count": "90d",
            "litellm_request_latency_seconds_sum": "90d",
        }
        until(
            lambda: (
                {each["__name__"]: each["retention"] for each in long_term.series(selector)}
                == expected
            ),
            what="the tiers at the store",
            retry_on=(KeyError,),
        )
        assert not any("retention" in each for each in prometheus.series(selector))
