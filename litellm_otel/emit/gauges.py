"""Gauges of what was told last, each series for as long as somebody tells of it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Observation

from litellm_otel.emit import ages
from litellm_otel.emit.bounded import MAX_SERIES
from litellm_otel.emit.cells import labelled
from litellm_otel.emit.facts import picker
from litellm_otel.selection import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import CallbackOptions, Meter

    from litellm_otel.catalogue import Metric
    from litellm_otel.emit.cells import Labels
    from litellm_otel.emit.facts import Facts
    from litellm_otel.selection import Selection

FORGOTTEN_AFTER: Final = 24 * 3600.0
"""Seconds after which a series that nobody has told of is let go: a key that is no longer used."""


class Gauge:
    """The last value of each series. The one told of least recently gives way when there are too many."""

    def __init__(
        self,
        meter: Meter,
        overflowed: Callable[[str], None],
        metric: Metric,
        shown: Callable[[float], float | None] | None = None,
    ) -> None:
        """``shown``: what is to be seen of a value when it is looked at; None for nothing."""
        self._metric = metric
        self._shown = shown
        self._overflowed = overflowed
        self._lock = threading.RLock()
        self._seen: OrderedDict[Labels, tuple[float, float]] = OrderedDict()
        self._labels: tuple[str, ...] | None = None
        self.select(DEFAULT)
        ages.told_by(metric.name, self._ages)
        meter.create_observable_gauge(metric.name, [self._observe], metric.unit, metric.description)

    def select(self, selection: Selection) -> None:
        labels = selection.labels(self._metric)
        if labels != self._labels:
            self._labels = labels
            self._pick = picker(labels or ())
            self.clear()

    @property
    def on(self) -> bool:
        return self._labels is not None

    def set(self, facts: Facts, value: float | None) -> None:
        """``None``: it is not known any more."""
        if self._labels is None:
            return
        labels = self._pick(facts)
        with self._lock:
            self._seen.pop(labels, None)
            if value is None:
                return
            self._seen[labels] = value, time.monotonic()
            if len(self._seen) <= MAX_SERIES:
                return
            self._seen.popitem(last=False)
        self._overflowed(self._metric.name)

    def _observe(self, _: CallbackOptions) -> list[Observation]:
        names = self._labels
        if names is None:
            return []
        long_ago = time.monotonic() - FORGOTTEN_AFTER
        with self._lock:
            while self._seen and next(iter(self._seen.values()))[1] < long_ago:
                self._seen.popitem(last=False)
            seen = [(labels, value) for labels, (value, _) in self._seen.items()]
        if self._shown is not None:
            seen = [
                (labels, shown)
                for labels, value in seen
                if (shown := self._shown(value)) is not None
            ]
        return [Observation(value, labelled(names, labels)) for labels, value in seen]

    def _ages(self) -> list[ages.Age]:
        names = self._labels or ()
        with self._lock:
            seen = [(labels, told) for labels, (_, told) in self._seen.items()]
        return [(labelled(names, labels), told) for labels, told in seen]

    def clear(self) -> None:
        """What was seen was seen by the parent."""
        self._lock = threading.RLock()
        self._seen.clear()
