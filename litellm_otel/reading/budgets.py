"""What LiteLLM knows of a budget → its measurements. What has no limit is not told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from litellm_otel.model import Measurement
from litellm_otel.model.records import ANONYMOUS, Identity

if TYPE_CHECKING:
    from litellm_otel.catalogue.limits import Budget


def budget(
    metrics: Budget,
    labels: Mapping[str, str | None],
    spend: float | None,
    maximum: float | None,
    reset_at: object,
    identity: Identity = ANONYMOUS,
) -> Iterator[Measurement]:
    """``spend``, ``maximum``: US dollars; ``reset_at``: a time, or its ISO 8601 text."""
    if maximum is not None:
        yield Measurement(metrics.maximum.name, labels, maximum, identity)
        yield Measurement(metrics.remaining.name, labels, maximum - (spend or 0.0), identity)
    moment = _time(reset_at)
    if moment is not None:
        yield Measurement(metrics.hours.name, labels, moment, identity)


def _time(value: object) -> float | None:
    """Seconds since the Unix epoch; without a zone it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
