"""Measurements → the metrics whose numbers LiteLLM tells as they are."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from litellm_otel import catalogue
from litellm_otel.emit import facts
from litellm_otel.emit.counters import Counters
from litellm_otel.emit.gauges import Gauge
from litellm_otel.emit.histograms import Histogram
from litellm_otel.model.records import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import Meter

    from litellm_otel.emit.facts import Facts
    from litellm_otel.emit.histograms import Distributions
    from litellm_otel.model import Measurement
    from litellm_otel.selection import Selection

HOURS: Final = tuple(budget.hours for budget in catalogue.BUDGETS.values())
"""Told as a time, seconds since the Unix epoch; shown as hours until then."""


def _hours_until(moment: float) -> float | None:
    """None when it has passed: the next budget is not known before somebody asks again."""
    hours = (moment - time.time()) / 3600
    return hours if hours >= 0 else None


class Told:
    """One instrument for each of `catalogue.TOLD`."""

    def __init__(
        self, meter: Meter, distributions: Distributions, overflowed: Callable[[str], None]
    ) -> None:
        def made(metric: catalogue.Metric) -> Counters[float] | Gauge | Histogram:
            if metric.kind == "counter":
                return Counters[float](meter, overflowed, ((metric, float),))
            if metric.kind == "gauge":
                return Gauge(meter, overflowed, metric, _hours_until if metric in HOURS else None)
            return Histogram(distributions, overflowed, metric)

        self._instruments = {metric.name: made(metric) for metric in catalogue.TOLD}

    def measured(self, measurements: Iterable[Measurement]) -> None:
        """Several of one occasion: mostly about the same caller."""
        known: dict[str, str | None] = {}
        identity = ANONYMOUS
        for measurement in measurements:
            if measurement.identity is not identity:
                identity, known = measurement.identity, {}
                facts.add_identity(identity, known)
            labels = {**known, **measurement.labels} if known else measurement.labels
            self._measured(self._instruments[measurement.metric], labels, measurement.value)

    def _measured(
        self, instrument: Counters[float] | Gauge | Histogram, labels: Facts, value: float | None
    ) -> None:
        if value is not None and not -sys.maxsize < value < sys.maxsize:
            value = None  # LiteLLM's ways to say that there is no limit
        if isinstance(instrument, Gauge):
            instrument.set(labels, value)
        elif value is None:
            return
        elif isinstance(instrument, Histogram):
            instrument.record(labels, value, None)
        else:
            instrument.add(labels, value)

    def select(self, selection: Selection) -> None:
        for instrument in self._instruments.values():
            instrument.select(selection)

    def clear(self) -> None:
        for instrument in self._instruments.values():
            instrument.clear()
