"""The catalogue tells the truth: Prometheus shows each metric under the name it says."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from litellm_otel.catalogue import CATALOGUE, SERVICES, TOLD
from litellm_otel.emit.collection import prepare
from litellm_otel.emit.distributions import distributions_for
from litellm_otel.emit.metrics import Metrics
from litellm_otel.emit.process import ProcessMetrics
from litellm_otel.event_loop import EventLoopWatch
from litellm_otel.model import (
    Attempt,
    Call,
    Cooldown,
    Failure,
    Measurement,
    Outcome,
    Request,
    ServiceEvent,
    Usage,
)
from litellm_otel.reading.process import ThisProcess
from litellm_otel.reading.queues import Pool

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter


def scrape() -> dict[str, set[str]]:
    """Series names and their labels after one request that does a bit of everything."""
    registry = CollectorRegistry()
    prepare()
    provider = MeterProvider([PrometheusMetricReader(registry=registry)])
    meter = provider.get_meter("test", "1")
    distribution = distributions_for(meter, provider, "test", "1")
    metrics = Metrics(meter, distribution, lambda: 1, lambda: {"hook": "in force"})
    metrics._overflowed.add({"metric": "some metric"}, None)
    request = Request(model="group", proxied=True)
    call = Call(model="group", request=request)
    request.calls.append(call)
    attempt = Attempt(
        call=call, operation="chat", call_type="acompletion", model="gpt-4o", provider="openai"
    )
    call.last_attempt = attempt
    attempt.failure = Failure("Timeout", kind="timeout")
    attempt.usage = Usage(
        input_tokens=3,
        output_tokens=4,
        cache_read_input_tokens=1,
        cache_write_input_tokens=1,
        audio_input_tokens=1,
        audio_output_tokens=1,
        reasoning_output_tokens=1,
    )
    attempt.cache_hit = True
    attempt.cost = 0.5
    attempt.chunks = 2
    attempt.first_chunk_clock = attempt.start_clock + 1_000
    attempt.last_chunk_clock = attempt.start_clock + 2_000
    for record in (attempt, request):
        record.outcome = Outcome.COMPLETED
        record.stop_clock()
    for attempt.outcome in (Outcome.ERROR, Outcome.COMPLETED):
        attempt.failure = None if attempt.outcome == Outcome.COMPLETED else attempt.failure
        metrics.attempt_ended(attempt)
    metrics.deployments.cooled_down(Cooldown("id", 5.0, "Timeout", 408), attempt)
    for request.outcome in (Outcome.ERROR, Outcome.COMPLETED):
        metrics.request_ended(request)
    attempt.quantity, attempt.unit = 2, "image"
    metrics.attempt_ended(attempt)
    attempt.quantity, attempt.unit, attempt.parameters.output_type = 3, "second", "video"
    metrics.attempt_ended(attempt)
    attempt.operation, attempt.parameters.tool_name = "execute_tool", "add"
    metrics.attempt_ended(attempt)
    in_an_hour = time.time() + 3600
    metrics.told.measured(
        Measurement(metric.name, dict.fromkeys(metric.attributes, "x"), in_an_hour)
        for metric in TOLD
    )
    of_process(meter, distribution)
    for service in SERVICES:
        for error in (None, "OSError"):
            event = ServiceEvent(service.name, 0.1, "get", error, size=1.0, sized=service.name)
            metrics.services.prepare(event)
            metrics.services.service_event(event)
    series: dict[str, set[str]] = {}
    for line in generate_latest(registry).decode().splitlines():
        if not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            series.setdefault(name, set()).update(
                pair.partition("=")[0] for pair in labels.rstrip("}").split('",') if pair
            )
    return series


def of_process(meter: Meter, distribution: Any) -> None:
    watch = EventLoopWatch()
    made = ProcessMetrics(meter, distribution, ThisProcess(), watch)
    made.queues(lambda: (1, 1), lambda: {"logging": Pool(1, 2, 3)})
    made.hanging(lambda: [None])
    loop = asyncio.new_event_loop()
    loop.call_soon(watch.watch, loop)
    loop.call_soon(loop.stop)
    loop.run_forever()
    watch.on_delay(0.1)


def test_names_in_prometheus() -> None:
    series = scrape()
    for metric in CATALOGUE:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        for suffix in suffixes:
            assert metric.prometheus + suffix in series, f"{metric.name} is not there"


def test_labels_are_among_those_listed() -> None:
    series = scrape()
    for metric in CATALOGUE:
        name = metric.prometheus + ("_count" if metric.kind == "histogram" else "")
        allowed = {attribute.replace(".", "_") for attribute in metric.attributes}
        extra = {label for label in series[name] if not label.startswith("otel_scope_")}
        assert extra <= allowed, f"{metric.name} has labels that the catalogue does not list"


def test_each_row_is_complete() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert metric.description.endswith("."), metric.name
        assert metric.unit, metric.name
        assert bool(metric.buckets) == (metric.kind == "histogram"), metric.name
        assert metric.prometheus.endswith("_total") == (metric.kind == "counter"), metric.name


def test_a_cost_that_comes_late_is_counted_once_everywhere() -> None:
    registry = CollectorRegistry()
    prepare()
    provider = MeterProvider([PrometheusMetricReader(registry=registry)])
    meter = provider.get_meter("test", "1")
    distribution = distributions_for(meter, provider, "test", "1")
    metrics = Metrics(meter, distribution, lambda: 1, dict)
    attempt = Attempt(
        call=Call(model="group", request=Request(model="group")),
        operation="chat",
        call_type="acompletion",
        model="gpt-4o",
        provider="openai",
    )
    metrics.attempt_ended(attempt)
    attempt.cost = 0.5
    metrics.late_cost(attempt)
    sums = {sample.name: sample.value for family in registry.collect() for sample in family.samples}
    assert sums["gen_ai_usage_cost_USD_sum"] == sums["litellm_spend_metric_total"] == 0.5
    assert sums["gen_ai_usage_cost_USD_count"] == 1
    provider.shutdown()
