"""A number that LiteLLM tells, of the proxy or of a call: already what one metric wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from litellm_otel.model.records import ANONYMOUS, Identity


@dataclass(slots=True, frozen=True)
class Measurement:
    """One number for one metric of the catalogue."""

    metric: str
    """The metric's OTLP name."""
    labels: Mapping[str, str | None]
    """By label; more than the metric has does no harm."""
    value: float | None = 1
    """What a counter grows by, what a gauge shows, what a histogram records; None: a gauge is unknown now."""
    identity: Identity = ANONYMOUS
    """Whom it is about; what is known of them can be labels as well."""
