"""What the catalogue says of a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "updowncounter", "gauge", "histogram"]

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
