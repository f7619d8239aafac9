"""Callers, customers, models and deployments without end: what the metrics layer keeps of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import psutil
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.records import chat, metrics_layer, record
from litellm_otel import catalogue
from litellm_otel.model import Attempt, Identity, Measurement, Request
from litellm_otel.selection import select

STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class Page:
    """What a scrape shows."""

    size: int
    """Bytes."""
    series: int
    counted: float
    """What the series of `litellm_proxy_total_requests_metric` add up to."""


class Strangers:
    """The metrics layer with all metrics and `end_user` as a label, and a page to scrape."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        chosen, _ = select({"enable_end_user_cost_tracking_prometheus_only": True})
        self._metrics = metrics_layer(PrometheusMetricReader(registry=self._registry), chosen)

    def record(self, first: int, count: int) -> None:
        """Requests number ``first`` to ``first + count - 1``."""
        for request, attempt, measurement in _requests(first, count):
            record(self._metrics, request, attempt, (measurement,))

    def scrape(self) -> dict[str, list[str]]:
        """The page's samples, by name."""
        samples: dict[str, list[str]] = {}
        for line in generate_latest(self._registry).decode().splitlines():
            if not line.startswith("#"):
                samples.setdefault(line.partition("{")[0], []).append(line)
        return samples


def values(samples: list[str]) -> list[float]:
    """Of lines of a page."""
    return [float(line.rpartition(" ")[2]) for line in samples]


def measure(requests: int, say: Callable[[int, int], object]) -> Page:
    """Record so many, each a stranger's, and scrape once at the end.

    ``say`` is told ten times how many were recorded, and of the process' resident memory in bytes.

    Raises: `RuntimeError` where requests are missing from the sums.
    """
    strangers = Strangers()
    step = max(1, requests // STEPS)
    for first in range(0, step * STEPS, step):
        strangers.record(first, step)
        gc.collect()
        say(first + step, psutil.Process().memory_info().rss)
    samples = strangers.scrape()
    page = Page(
        size=sum(len(line) + 1 for lines in samples.values() for line in lines),
        series=sum(map(len, samples.values())),
        counted=sum(values(samples["litellm_proxy_total_requests_metric_total"])),
    )
    if page.counted != step * STEPS:
        raise RuntimeError(f"{step * STEPS} requests were recorded and {page.counted:.0f} counted")
    return page


def _requests(first: int, count: int) -> Iterator[tuple[Request, Attempt, Measurement]]:
    """Requests of one key, one customer, one model and one deployment each."""
    budget = catalogue.BUDGETS["key"].remaining.name
    for number in range(first, first + count):
        identity = Identity(
            key_hash=f"{number:064x}",
            key_alias=f"key-{number}",
            end_user=f"customer-{number}",
            user_agent=f"agent/{number}",
        )
        model, deployment = f"model-{number}", f"deployment-{number}"
        request, attempt = chat(identity, model=model, served=model, deployment=deployment)
        yield request, attempt, Measurement(budget, {}, float(number), identity)
