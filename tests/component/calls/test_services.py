"""LiteLLM's service events, counted beside LiteLLM's own ``prometheus_system`` callback: the same values."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY

from litellm_otel import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.component.calls.recorded import Recorded


@pytest.fixture
def logging() -> Iterator[Any]:
    """LiteLLM's service logging, with its own Prometheus callback on."""
    import litellm
    from litellm._service_logger import ServiceLogging

    before = litellm.service_callback
    litellm.service_callback = ["prometheus_system"]
    yield ServiceLogging()
    litellm.service_callback = before


def theirs(name: str) -> dict[frozenset[tuple[str, str]], float]:
    """Each of LiteLLM's own series of this name; of a histogram, the count."""
    return {
        frozenset(sample.labels.items()): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name in (name, f"{name}_total", f"{name}_count")
    }


def test_every_service_of_this_litellm_is_in_the_catalogue(recorded: Recorded) -> None:
    from litellm.integrations.prometheus_services import PrometheusServicesLogger
    from litellm.types.services import ServiceTypes

    assert {service.value for service in ServiceTypes} == {
        service.name for service in catalogue.SERVICES
    }
    made = PrometheusServicesLogger().payload_to_prometheus_map
    for service in catalogue.SERVICES:
        # prometheus_client keeps a counter under its name without _total.
        wanted = {
            (metric._name, metric._type, tuple(metric._labelnames)) for metric in made[service.name]
        }
        assert {
            (metric.name, metric.kind, metric.attributes) for metric in service.metrics
        } == wanted


async def test_the_same_as_litellms_own(recorded: Recorded, logging: Any) -> None:
    from litellm.types.services import ServiceTypes

    before = {
        metric.name: theirs(metric.name)
        for service in catalogue.SERVICES
        for metric in service.metrics
    }
    for service in ServiceTypes:
        for seconds in (0.01, 0.5):
            await logging.async_service_success_hook(
                service=service,
                call_type="get",
                duration=seconds,
                event_metadata={"gauge_labels": service.value, "gauge_value": 7.0},
            )
        for error in (KeyError("x"), ConnectionError("down"), ConnectionError("down")):
            await logging.async_service_failure_hook(
                service=service, duration=0.2, error=error, call_type="set"
            )
    await asyncio.to_thread(recorded.settle)

    compared = 0
    for service in catalogue.SERVICES:
        for metric in service.metrics:
            wanted = {
                labels: value
                if metric.kind == "gauge"
                else value - before[metric.name].get(labels, 0)
                for labels, value in theirs(metric.name).items()
            }
            assert recorded.increments(metric.name) == wanted, metric.name
            compared += 1
    assert compared == 44 + 7 - 3  # all but Redis' circuit breaker's


def test_from_a_thread_without_a_loop(recorded: Recorded, logging: Any) -> None:
    from litellm.types.services import ServiceTypes

    logging.service_success_hook(service=ServiceTypes.REDIS, duration=0.1, call_type="get")
    logging.service_failure_hook(
        service=ServiceTypes.REDIS, duration=0.1, error=OSError(), call_type="get"
    )
    total = recorded.increments("litellm_redis_total_requests")
    assert total == {frozenset({("redis", "redis")}): 2}


async def test_what_is_given_by_position(recorded: Recorded, logging: Any) -> None:
    from litellm.types.services import ServiceTypes

    await logging.async_service_success_hook(ServiceTypes.DB, "query", 0.3)
    await logging.async_service_failure_hook(ServiceTypes.DB, 0.3, ValueError(), "query")
    failed = recorded.increments("litellm_postgres_failed_requests")
    assert failed == {
        frozenset(
            {("postgres", "postgres"), ("error_class", "ValueError"), ("function_name", "query")}
        ): 1
    }
