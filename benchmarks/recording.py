"""The metrics layer by itself: CPU time to record one request, with all metrics on, some, and none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from benchmarks.records import chat, metrics_layer, record
from litellm_otel import selection
from litellm_otel.catalogue import CATALOGUE, OVERHEAD, OVERHEAD_WITH_GUARDRAILS, QUEUE_TIME
from litellm_otel.emit.metrics import Metrics
from litellm_otel.model import Attempt, Identity, Measurement, Request

TYPICAL: Final = {
    "prometheus_metrics_config": [
        {
            "group": "cost",
            "metrics": [
                "litellm_spend_metric",
                "litellm_total_tokens_metric",
                "litellm_proxy_total_requests_metric",
                "litellm_proxy_failed_requests_metric",
                "litellm_request_total_latency_metric",
            ],
            "include_labels": ["model", "team", "api_key_alias", "requested_model"],
        }
    ]
}
ROUNDS: Final = 40
REQUESTS: Final = 250
KEYS: Final = 200
"""Different callers, each with series of its own."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of CPU a request: the median of the rounds, and the middle half of them."""

    median: float
    low: float
    high: float


def measure() -> dict[str, Cost]:
    """By selection: ``everything``, ``typical``, ``nothing``. Rounds of all three take turns."""
    off = tuple(metric.name for metric in CATALOGUE)
    selections = {
        "everything": selection.DEFAULT,
        "typical": selection.select(TYPICAL)[0],
        "nothing": selection.select({}, (), off)[0],
    }
    recorders = {
        name: metrics_layer(InMemoryMetricReader(), chosen) for name, chosen in selections.items()
    }
    spent: dict[str, list[float]] = {name: [] for name in selections}
    for _ in range(ROUNDS):
        for name, metrics in recorders.items():
            spent[name].append(_round(metrics))
    return {name: _cost(times[ROUNDS // 10 :]) for name, times in spent.items()}


def _round(metrics: Metrics) -> float:
    records = list(_records())
    began = time.process_time_ns()
    for request, attempt, told in records:
        record(metrics, request, attempt, told)
    return (time.process_time_ns() - began) / REQUESTS / 1000


def _records() -> Iterator[tuple[Request, Attempt, tuple[Measurement, ...]]]:
    """A good chat completion each, as the proxy records it."""
    for number in range(REQUESTS):
        key = number % KEYS
        identity = Identity(
            key_hash=f"{key:064x}",
            key_alias=f"key-{key}",
            team_id=f"team-{key % 20}",
            team_alias=f"Team {key % 20}",
            user_id=f"user-{key}",
            user_email=f"user-{key}@example.com",
            client_ip="10.0.0.1",
            user_agent="openai/1.0",
            route="/v1/chat/completions",
        )
        request, attempt = chat(
            identity, model="fast", served="gpt-4o", deployment="fast-1", group="fast"
        )
        told = tuple(
            Measurement(metric.name, _LABELS, 0.002, identity)
            for metric in (OVERHEAD, OVERHEAD_WITH_GUARDRAILS, QUEUE_TIME)
        )
        yield request, attempt, told


_LABELS: Final[Mapping[str, Any]] = {
    "model": "gpt-4o",
    "litellm_model_name": "gpt-4o",
    "model_group": "fast",
    "requested_model": "fast",
    "model_id": "fast-1",
    "api_base": None,
    "api_provider": "openai",
}


def _cost(times: list[float]) -> Cost:
    ordered = sorted(times)
    return Cost(median(ordered), ordered[len(ordered) // 4], ordered[len(ordered) * 3 // 4])
