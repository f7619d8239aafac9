"""The catalogue tells the truth: Prometheus shows each metric under the name it says."""

from __future__ import annotations

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from litellm_otel.catalogue import CATALOGUE, SERVICES
from litellm_otel.emit.distributions import distributions_for, prepare
from litellm_otel.emit.metrics import Metrics
from litellm_otel.model import (
    Attempt,
    Call,
    Cooldown,
    Failure,
    Outcome,
    Request,
    ServiceEvent,
    Usage,
)


def scrape() -> dict[str, set[str]]:
    """Series names and their labels after one request that does a bit of everything."""
    registry = CollectorRegistry()
    prepare()
    provider = MeterProvider([PrometheusMetricReader(registry=registry)])
    meter = provider.get_meter("test", "1")
    distribution = distributions_for(meter, provider, "test", "1")
    metrics = Metrics(meter, distribution, lambda: 1, lambda: {"hook": "in force"})
    metrics._overflowed.add(("some metric",), 1)
    request = Request(model="group")
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
    metrics.request_ended(request)
    attempt.quantity, attempt.unit = 2, "image"
    metrics.attempt_ended(attempt)
    attempt.quantity, attempt.unit, attempt.parameters.output_type = 3, "second", "video"
    metrics.attempt_ended(attempt)
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
