"""What the catalogue says of a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from litellm_otel.catalogue.labels import LABELS

Kind = Literal["counter", "updowncounter", "gauge", "histogram"]
Workers = Literal["sum", "newest", "each"]

LITELLM_LATENCY_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0),
    *(10.0, 30.0, 60.0, 120.0, 300.0, 420.0, 600.0),
)
"""Seconds: the bounds of LiteLLM's own latency histograms."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it leaves the process over OTLP, and as Prometheus shows it."""

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...]
    prometheus: str
    """Its name in Prometheus; for a histogram without ``_bucket``, ``_sum`` and ``_count``."""
    buckets: tuple[float, ...] = ()
    of_callers: bool = False
    """Whether it tells of what callers ask: any of `LABELS` and custom labels can be chosen for it."""
    workers: Workers | None = None
    """What one page for several processes shows: their sum, what the last of them to know says, or each of
    them with a label ``pid``. Counts are summed and gauges are facts if nothing is said."""

    @property
    def together(self) -> Workers:
        """What one page for several processes shows of it."""
        return self.workers or ("newest" if self.kind == "gauge" else "sum")

    @property
    def selectable(self) -> tuple[str, ...]:
        """The labels that can be chosen for it beside those it has if nothing is said."""
        if not self.of_callers:
            return ()
        return tuple(label for label in LABELS if label not in self.attributes)


def counter(
    name: str, unit: str, description: str, *labels: str, of_callers: bool = False
) -> Metric:
    """A counter that Prometheus shows under its own name and ``_total``."""
    return Metric(
        name, "counter", unit, description, labels, f"{name}_total", of_callers=of_callers
    )


def gauge(
    name: str, unit: str, description: str, *labels: str, workers: Workers | None = None
) -> Metric:
    return Metric(name, "gauge", unit, description, labels, name, workers=workers)


def seconds(name: str, description: str, *labels: str, of_callers: bool = False) -> Metric:
    """A histogram of seconds with LiteLLM's own bounds and no unit in its name."""
    return Metric(
        name,
        "histogram",
        "{second}",
        description,
        labels,
        name,
        LITELLM_LATENCY_BUCKETS,
        of_callers=of_callers,
    )
