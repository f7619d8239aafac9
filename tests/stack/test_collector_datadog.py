"""The names of Datadog's LiteLLM integration at Datadog, with its types and tags, by each way there;
and deltas that add up to what counters counted, whatever happens to the collector."""

from __future__ import annotations

import itertools
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from litellm_otel import catalogue
from stack.components.collector import Collector
from stack.drill.gate import FORGETFUL, PASS, Gate
from stack.drill.load import COUNTER, GAUGE, Load, post
from stack.paths import RunDirectory
from stack.standins.datadog import Datadog, DatadogAgent
from stack.standins.datadog_series import Series
from stack.traffic import kinds
from stack.waiting import PATIENCE, NotInTime, settled, until
from stack.watched import Watched
from tests.datadog_tables import rows

KEY = "0123456789abcdef0123456789abcdef"


INTEGRATION: Mapping[str, str] = {row["metric"]: row["type"] for row in rows("metrics.csv")}
"""Datadog's name of each metric of its integration, and its type."""
SOURCES: Mapping[str, str] = {row["datadog"]: row["litellm"] for row in rows("names.csv")}
"""Datadog's name, without what its type adds to it, and LiteLLM's."""
SUFFIXES = (".bucket", ".sum", ".count")
SETTINGS = {"DD_ENV": "production", "DD_VERSION": "1.0", "DD_LLMOBS_ENABLED": "true"}
LABELS = {"model": "gpt-4o", "team": "", "hashed_api_key": "88dc28d0"}
RESOURCE = {
    "service.name": "litellm",
    "service.instance.id": "worker-1",
}
TAGS = {
    *("model:gpt-4o", "team:n/a", "hashed_api_key:88dc28d0"),
    *("service:litellm", "version:1.0", "env:production"),
}


OF_EVERY_SERIES = {
    *("service", "version", "env", "instrumentation_scope", "instrumentation_scope_version"),
    *("lower_bound", "upper_bound"),  # of buckets
}
# What of the integration LiteLLM does not report, each with the reason.
NEVER: Mapping[str, str] = {
    "litellm.deployment.failure_by_tag_responses.count": "of LiteLLM's versions before 1.80",
}
# What the traffic here does not cause, each with what it would take.
NEEDS_MORE: Mapping[str, str] = {
    r"(batch_write_to_db|postgres|reset_budget_job)\.": "a database, by Prisma's engines",
    r"(in_memory|pod_lock_manager)[._]": "a database that spend is queued for",
    r"redis\.": "Redis",
    r"(api\.key|team)\.(max_)?budget|remaining\.(api_key\.budget|team_budget)": "budgets",
    r"(api\.key|team)\.max_budget|provider\.remaining_budget": "budgets",
    r"remaining\.api_key\.": "a key with limits for a model",
    r"deployment\.(cooled_down|failed_fallbacks)": "cooldowns, and a fallback that fails too",
    r"(auth|proxy\.pre_call|router|self)\.failed_requests": "LiteLLM's own parts to fail",
}


def plain(name: str) -> str:
    """Without what Datadog's type adds to it."""
    return next((name.removesuffix(each) for each in SUFFIXES if name.endswith(each)), name)


def kind_of(source: str) -> str:
    """What LiteLLM's metric is, by what Datadog has of it."""
    found = {
        name.removeprefix(plain(name)) if plain(name) in SOURCES else ""
        for name in INTEGRATION
        if SOURCES.get(plain(name)) == source
    }
    return "histogram" if ".bucket" in found else "counter" if ".count" in found else "gauge"


def send_each(endpoint: str, sources: Iterable[str]) -> None:
    """One value of each, by the SDK and its exporter."""
    exporter = OTLPMetricExporter(f"{endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], Resource(RESOURCE))
    meter = provider.get_meter("litellm_otel", "1.0")

    def level(_: CallbackOptions) -> list[Observation]:
        return [Observation(1, LABELS)]

    for source in sources:
        if source == "litellm_in_flight_requests":
            meter.create_up_down_counter(source).add(1, LABELS)
        elif kind_of(source) == "histogram":
            meter.create_histogram(source).record(1, LABELS)
        elif kind_of(source) == "counter":
            meter.create_counter(source).add(1, LABELS)
        else:
            meter.create_observable_gauge(source, [level])
    provider.shutdown()


def arrived(series: Iterable[Series]) -> dict[str, set[str]]:
    """The types by which each name of the integration is there."""
    found: dict[str, set[str]] = {}
    for each in series:
        if each.name in INTEGRATION:
            found.setdefault(each.name, set()).add(each.type)
    return found


def test_every_name_has_its_source() -> None:
    assert {plain(name) for name in INTEGRATION} <= set(SOURCES)


@contextmanager
def by_intake(run: RunDirectory) -> Iterator[tuple[Collector, Datadog]]:
    soon = {"connectors": {"span_metrics/datadog": {"metrics_flush_interval": "1s"}}}
    with (
        Datadog(api_key=KEY) as datadog,
        Collector(
            run=run,
            configs=["task:datadog-direct", run.write("soon.yaml", yaml.safe_dump(soon))],
            datadog=datadog.url,
            datadog_key=KEY,
            env=SETTINGS,
        ) as collector,
    ):
        yield collector, datadog


@contextmanager
def by_agent(run: RunDirectory) -> Iterator[tuple[Collector, DatadogAgent]]:
    with (
        DatadogAgent() as agent,
        Collector(
            run=run,
            configs=["task:datadog-direct"],
            env={**SETTINGS, "DD_AGENT_OTLP_ENDPOINT": agent.url},
        ) as collector,
    ):
        yield collector, agent


@contextmanager
def by_exporter(run: RunDirectory) -> Iterator[tuple[Collector, Datadog]]:
    with Datadog(api_key=KEY) as datadog:
        to = {"endpoint": datadog.url}
        exporter = {"api": {"fail_on_invalid_key": True}, **dict.fromkeys(("metrics", "logs"), to)}
        changes = {
            "exporters": {"datadog": {**exporter, "traces": to}, "datadog/counts": exporter},
            "connectors": {"datadog/connector": {"traces": {"bucket_interval": "1s"}}},
        }
        here = run.write("here.yaml", yaml.safe_dump(changes))
        with Collector(
            run=run,
            flavour="otelcol-litellm",
            configs=["task:datadog-exporter", here],
            datadog_key=KEY,
            env={**SETTINGS, "DD_HOSTNAME": "here", "AWS_EC2_METADATA_DISABLED": "true"},
        ) as collector:
            yield collector, datadog


Way = Callable[[RunDirectory], AbstractContextManager[tuple[Collector, Datadog | DatadogAgent]]]


@pytest.mark.timeout(900)  # the full flavour may have to be built first
@pytest.mark.parametrize("way", [by_intake, by_agent, by_exporter])
def test_every_name_arrives_with_its_type_and_tags(way: Way, own_run: RunDirectory) -> None:
    with way(own_run) as (collector, datadog):
        send_each(collector.endpoint, sorted(set(SOURCES.values())))
        wanted = {name: {type_} for name, type_ in INTEGRATION.items()}
        try:
            until(lambda: set(arrived(datadog.series)) == set(wanted), what="all names")
        except NotInTime:
            pytest.fail(f"not there: {sorted(set(wanted) - set(arrived(datadog.series)))}")
        assert arrived(datadog.series) == wanted
        assert datadog.failures == []
        for series in datadog.series:
            if series.name in INTEGRATION:
                assert series.tags >= TAGS, series


# Traces, logs, APM's statistics, unified service tagging

UNIFIED = ("litellm", "production", "1.0")


def unified(resource: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(
        resource.get(name)
        for name in ("service.name", "deployment.environment.name", "service.version")
    )


def test_every_signal_by_the_intake(own_run: RunDirectory) -> None:
    with by_intake(own_run) as (collector, datadog):
        load = Load(collector.endpoint)
        load.send(range(1, 6))
        chat = load.spans(
            [6], {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}, ""
        )
        post(collector.endpoint, "traces", chat).raise_for_status()
        until(lambda: len(datadog.spans) == 6 and len(datadog.logs) == 5, what="both")

        def statistics() -> list[Series]:
            return datadog.metrics_by_name().get("traces.span.metrics.calls", [])

        until(lambda: sum(each.total for each in statistics()) == 6, what="APM's")
        assert {unified(each.resource) for each in (*datadog.spans, *datadog.logs)} == {UNIFIED}
        found = {
            tuple(each.tag(key) for key in ("service", "env", "version")) for each in datadog.series
        }
        assert found == {UNIFIED}
        [llm] = datadog.llm_spans
        assert llm.attributes["gen_ai.operation.name"] == "chat"
        assert datadog.failures == []


def test_every_signal_by_the_agent(own_run: RunDirectory) -> None:
    with by_agent(own_run) as (collector, agent):
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: len(agent.spans) == len(agent.logs) == 5, what="both")
        until(lambda: agent.series, what="metrics")
        assert {unified(each.resource) for each in (*agent.spans, *agent.logs)} == {UNIFIED}
        assert agent.failures == []


@pytest.mark.timeout(900)  # the full flavour may have to be built first
def test_the_agents_endpoint_takes_the_exporters_place_for_every_signal(
    own_run: RunDirectory,
) -> None:
    with (
        DatadogAgent() as agent,
        Collector(
            run=own_run,
            flavour="otelcol-litellm",
            configs=["task:datadog-exporter"],
            env={"DD_AGENT_OTLP_ENDPOINT": agent.url},
        ) as collector,
    ):
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: len(agent.spans) == len(agent.logs) == 5, what="both")
        until(lambda: agent.series, what="metrics")
        assert "no backend takes them" not in collector.log


@pytest.mark.timeout(900)  # the full flavour may have to be built first
def test_every_signal_by_the_exporter(own_run: RunDirectory) -> None:
    with by_exporter(own_run) as (collector, datadog):
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: len(datadog.apm_spans) == 5, what="traces")
        until(lambda: len(datadog.agent_logs) == 5, what="logs")
        until(lambda: sum(each.hits for each in datadog.statistics) == 5, what="APM's")
        for each in (*datadog.apm_spans, *datadog.statistics):
            assert (each.service, each.env, each.version) == UNIFIED
        assert {log["service"] for log in datadog.agent_logs} == {"litellm"}
        assert all("env:production" in log["ddtags"] for log in datadog.agent_logs)
        assert {each.host for each in datadog.apm_spans} == {"here"}

        def ways() -> set[str]:
            return {each.way for each in datadog.series if each.name in (GAUGE, COUNTER)}

        assert until(ways, what="metrics") == {"series"}
        assert datadog.failures == []


# What the real proxy reports


def of_our_metrics() -> dict[str, catalogue.Metric]:
    """Each name of the integration that a metric of the catalogue gives, and that metric."""
    ours = {metric.name: metric for metric in catalogue.CATALOGUE}
    return {
        name: ours[SOURCES[plain(name)]] for name in INTEGRATION if SOURCES[plain(name)] in ours
    }


def test_every_name_is_one_that_we_report_or_has_a_reason() -> None:
    assert set(INTEGRATION) - set(of_our_metrics()) == set(NEVER)


def test_what_the_proxy_reports_arrives(shared: Watched) -> None:
    traffic = shared.send(
        {kinds.WHOLE: 1, kinds.STREAMED: 1, kinds.FAILING: 1, kinds.FALLING_BACK: 1}
    )
    assert not traffic.unexpected()
    caused = {
        name
        for name in of_our_metrics()
        if not any(re.match(rf"litellm\.(?:{each})", name) for each in NEEDS_MORE)
    }

    def here() -> list[Series]:
        service = f"service:{shared.arrived.service}"
        found = list(shared.arrived.backends.datadog.series)
        return [each for each in found if service in each.tags and each.name in INTEGRATION]

    try:
        until(lambda: set(arrived(here())) >= caused, what="all names")
    except NotInTime:
        pytest.fail(f"not there: {sorted(caused - set(arrived(here())))}")
    assert all(types == {INTEGRATION[name]} for name, types in arrived(here()).items())
    [span, *_] = until(lambda: shared.arrived.spans, what="a span")
    resource = set(span.resource)
    for series in here():
        # LiteLLM's own labels, as the integration has them, and what every series has.
        metric = of_our_metrics()[series.name]
        labels = {tag.partition(":")[0] for tag in series.tags}
        assert {"service", "service.instance.id"} <= labels
        known = {*metric.attributes, *metric.selectable, *resource, *OF_EVERY_SERIES}
        assert labels <= known, (series.name, labels - known)


# What it refuses


def test_no_request_is_larger_than_it_takes(own_run: RunDirectory) -> None:
    with Datadog(api_key=KEY) as datadog, Gate("Datadog", datadog.url) as gate:
        gate.mode = 503
        with Collector(
            run=own_run, configs=["task:datadog-direct"], datadog=gate.url, datadog_key=KEY
        ) as collector:
            load = Load(collector.endpoint)
            for start in range(1, 160, 20):
                lines = load.logs(range(start, start + 20), {}, "x" * 100_000)
                post(collector.endpoint, "logs", lines).raise_for_status()
            until(lambda: gate.seen[503] > 1, what="an attempt")
            gate.mode = PASS
            until(lambda: len(datadog.logs) == 160, what="all", timeout=90)
            assert datadog.failures == []


# Deltas


def counted(datadog: Datadog, load: Load) -> float:
    """The sum of a counter's deltas, those with one time once, as Datadog takes them."""
    deltas = {
        point.at: point.value
        for metric in list(datadog.metrics)
        if metric.name == COUNTER and metric.resource["service.instance.id"] == load.instance
        for point in metric.points
    }
    return sum(deltas.values())


def test_what_one_full_queue_refuses_is_not_twice_in_the_other(own_run: RunDirectory) -> None:
    """A report has counters for one queue and histograms for another, which has no room."""
    small = {"queue_size": 40_000, "batch": {"min_size": 1_000, "max_size": 40_000}}
    soon = {"retry_on_failure": {"max_interval": "1s"}}
    changes = {
        "otlp_http/datadog_counts": {"sending_queue": small, **soon},
        "otlp_http/datadog_metrics": soon,
    }
    narrow = own_run.write("narrow.yaml", yaml.safe_dump({"exporters": changes}))
    with Datadog(api_key=KEY) as datadog, Gate("Datadog", datadog.url) as gate:
        gate.mode = 503
        with Collector(
            run=own_run,
            configs=["task:datadog-direct", narrow],
            datadog=gate.url,
            datadog_key=KEY,
        ) as collector:
            load = Load(collector.endpoint)

            def report(count: int) -> int:
                request = load.metrics([count], {})
                histogram = request.resource_metrics[0].scope_metrics[0].metrics.add()
                histogram.name = "litellm_router_latency"
                histogram.histogram.aggregation_temporality = (
                    AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
                )
                histogram.histogram.data_points.add(
                    start_time_unix_nano=load.started,
                    time_unix_nano=time.time_ns(),
                    count=count,
                    bucket_counts=[count],
                    attributes=[KeyValue(key="k", value=AnyValue(string_value="x" * 15_000))],
                )
                return post(collector.endpoint, "metrics", request).status_code

            counts = itertools.count(10, 10)
            refusals = (count for count in counts if report(count) == 503)
            assert len(list(itertools.islice(refusals, 4))) == 4
            gate.mode = PASS
            last = next(counts)
            until(lambda: report(last) == 200, what="room")
            until(lambda: counted(datadog, load) >= last, what=f"{last}")
            settled(lambda: counted(datadog, load), what="the sum of the deltas", quiet_for=1)
            assert counted(datadog, load) == last


def test_deltas_add_up_whatever_happens_to_the_collector(own_run: RunDirectory) -> None:
    collector = Collector(
        run=own_run, configs=["task:datadog-direct"], datadog="http://127.0.0.1:1", datadog_key=KEY
    )

    def restart(how: signal.Signals) -> None:
        collector.signal(how)
        collector.wait(PATIENCE)

    def run_again() -> None:
        collector.start()
        collector.await_ready()

    with Datadog(api_key=KEY) as datadog, Gate("Datadog", datadog.url) as gate:
        collector.env["DD_OTLP_ENDPOINT"] = gate.url
        with collector:
            first = Load(collector.endpoint, instance="first")
            first.send([10])
            first.send([20])
            restart(signal.SIGKILL)
            # What grows, and who starts, while it is down.
            second = Load(collector.endpoint, instance="second")
            run_again()
            first.send([30])
            second.send([5])
            until(lambda: counted(datadog, first) == 30, what="the first's")
            # Nothing gets out; then what was sent is not known to have been.
            for mode, (one, other) in ((503, (45, 7)), (FORGETFUL, (50, 8)), (PASS, (60, 9))):
                gate.mode = mode
                seen = gate.seen[mode]
                first.send([one])
                second.send([other])
                until(lambda mode=mode, seen=seen: gate.seen[mode] > seen, what=f"{mode}")
                restart(signal.SIGKILL)
                run_again()
            first.send([61])
            restart(signal.SIGTERM)
            run_again()
            first.send([64])
            second.send([12])
            wanted = (64.0, 12.0)

            def total() -> tuple[float, float]:
                return counted(datadog, first), counted(datadog, second)

            until(lambda: total() == wanted, what=f"{wanted}", timeout=90)
            settled(total, what="the sum of the deltas", quiet_for=1)
            assert total() == wanted
            assert datadog.failures == []
