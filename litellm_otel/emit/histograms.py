"""A histogram with the labels that were chosen for it, or none at all where it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litellm_otel.emit.facts import picker
from litellm_otel.selection import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span

    from litellm_otel.catalogue import Metric
    from litellm_otel.emit.distributions import Distribution, Labels
    from litellm_otel.emit.facts import Facts
    from litellm_otel.selection import Selection

    Distributions = Callable[[Metric, Callable[[str], None]], Distribution]


class Histogram:
    """One metric of the catalogue over a `Distribution`."""

    def __init__(
        self, make: Distributions, overflowed: Callable[[str], None], metric: Metric
    ) -> None:
        self._metric = metric
        self._distribution = make(metric, overflowed)
        self.select(DEFAULT)

    def select(self, selection: Selection) -> None:
        labels = selection.labels(self._metric)
        self.on = labels is not None
        if labels is not None:
            self._names = labels
            self._as_usual = labels == self._metric.attributes
            self._pick = picker(labels)
            self._distribution.label(labels)

    def record(self, facts: Facts, value: float, span: Span | None) -> None:
        if self.on:
            self._distribution.record(self._pick(facts), value, span)

    def record_labels(self, labels: Labels, value: float, span: Span | None) -> None:
        """The same with the values of the labels that it has if nothing is said, in their order."""
        if not self.on:
            return
        if not self._as_usual:
            facts = dict(zip(self._metric.attributes, labels, strict=True))
            labels = tuple(facts[name] for name in self._names)
        self._distribution.record(labels, value, span)

    def clear(self) -> None:
        """In a forked child: what was recorded is the parent's."""
        self._distribution.after_fork()
