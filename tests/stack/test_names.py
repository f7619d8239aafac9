"""Each metric of the catalogue is in Prometheus, by remote write, under the name the catalogue says."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from litellm_otel import catalogue
from stack.site import Backends
from stack.traffic import kinds
from stack.waiting import NotInTime, until
from stack.watched import Watched

CAUSED = (
    *catalogue.GROUPS["requests and attempts"],
    *catalogue.GROUPS["processes"],
    catalogue.HOOKS,
)
"""What any traffic causes. LiteLLM's own, which take more, have a test of their own."""


def names(metrics: Iterable[catalogue.Metric]) -> set[str]:
    return {
        metric.prometheus + suffix
        for metric in metrics
        for suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
    }


def wait_for(arrived: Callable[[], set[str]], expected: set[str]) -> None:
    missing: set[str] = set()

    def all_there() -> bool:
        missing.clear()
        missing.update(expected - arrived())
        return not missing

    try:
        until(all_there, what="every metric of the catalogue is in Prometheus")
    except NotInTime:
        pytest.fail(f"not in Prometheus: {sorted(missing)}")


def test_what_traffic_causes_has_its_exact_name(shared: Watched) -> None:
    traffic = shared.send({kinds.WHOLE: 1, kinds.STREAMED: 1, kinds.FAILING: 1})
    assert not traffic.unexpected()
    wait_for(shared.arrived.metric_names, names(CAUSED))


def test_every_metric_has_its_exact_name(backends: Backends) -> None:
    """Sent by the SDK as the catalogue has them: kind, unit and name make the name in Prometheus."""
    exporter = OTLPMetricExporter(f"{backends.collector.endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], Resource({"service.name": "catalogue"}))
    meter = provider.get_meter("litellm_otel")
    for metric in catalogue.CATALOGUE:
        about = metric.name, metric.unit, metric.description
        if metric.kind == "histogram":
            meter.create_histogram(*about).record(1)
        elif metric.kind == "counter":
            meter.create_counter(*about).add(1)
        elif metric.kind == "updowncounter":
            meter.create_up_down_counter(*about).add(1)
        else:
            meter.create_gauge(*about).set(1)
    provider.shutdown()

    def arrived() -> set[str]:
        series = backends.prometheus.series('{job="catalogue"}')
        return {labels["__name__"] for labels in series}

    wait_for(arrived, names(catalogue.CATALOGUE))
    gen_ai = [
        labels
        for labels in backends.prometheus.series('{job="catalogue"}')
        if labels.get("service_name") == "catalogue"
    ]
    assert {labels["__name__"] for labels in gen_ai} == names(
        metric for metric in catalogue.CATALOGUE if metric.name.startswith("gen_ai.")
    )
