"""Counters that count the same occasions, each with its own labels; those with equal ones share cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from opentelemetry.sdk.metrics.export import AggregationTemporality, Sum
from opentelemetry.sdk.metrics.export import Metric as PointsOfMetric

from litellm_otel.emit import collection
from litellm_otel.emit.cells import Sums
from litellm_otel.emit.facts import picker
from litellm_otel.selection import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.metrics import CallbackOptions, Meter, Observation

    from litellm_otel.catalogue import Metric
    from litellm_otel.emit.facts import Facts
    from litellm_otel.selection import Selection

T = TypeVar("T")


class Counters(Generic[T]):
    """What each occasion adds to each of several counters. ``measures`` says how much, of what was counted."""

    def __init__(
        self,
        meter: Meter,
        overflowed: Callable[[str], None],
        measures: Sequence[tuple[Metric, Callable[[T], float | None]]],
    ) -> None:
        self._measures = measures
        self._overflowed = overflowed
        self._groups: list[_Group[T]] = []
        self._places: dict[str, tuple[_Group[T], int]] = {}
        self.select(DEFAULT)
        scope = collection.scope_of(meter)
        for metric, _ in measures:
            if scope is not None:
                scope.add(self._collector(metric))
            else:
                meter.create_observable_counter(
                    metric.name, [self._observe(metric.name)], metric.unit, metric.description
                )

    def select(self, selection: Selection) -> None:
        """Count these, with these labels, from now on."""
        grouped: dict[tuple[str, ...], list[tuple[Metric, Callable[[T], float | None]]]] = {}
        for metric, measure in self._measures:
            labels = selection.labels(metric)
            if labels is not None:
                grouped.setdefault(labels, []).append((metric, measure))
        if list(grouped) == [group.labels for group in self._groups]:
            same = [[metric.name for metric, _ in members] for members in grouped.values()]
            if same == [group.names for group in self._groups]:
                return
        self._groups = [
            _Group(labels, members, self._overflowed) for labels, members in grouped.items()
        ]
        self._places = {
            name: (group, index) for group in self._groups for index, name in enumerate(group.names)
        }

    @property
    def on(self) -> bool:
        """Whether any of them is counted at all."""
        return bool(self._groups)

    def add(self, facts: Facts, counted: T) -> None:
        for group in self._groups:
            group.add(facts, counted)

    def add_to(self, metric: Metric, facts: Facts, amount: float) -> None:
        """Add to one of them alone."""
        place = self._places.get(metric.name)
        if place is not None:
            group, index = place
            group.sums.add(group.pick(facts), *(0,) * index, amount)

    def _collector(self, metric: Metric) -> collection.Collect:
        def collect(now: int) -> PointsOfMetric | None:
            place = self._places.get(metric.name)
            if place is None:
                return None
            group, index = place
            points = group.sums.points(index, now)
            if not points:
                return None
            data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
            return PointsOfMetric(metric.name, metric.description, metric.unit, data)

        return collect

    def _observe(self, name: str) -> Callable[[CallbackOptions], list[Observation]]:
        def callback(options: CallbackOptions) -> list[Observation]:
            place = self._places.get(name)
            if place is None:
                return []
            group, index = place
            return group.sums.observe(index)(options)

        return callback

    def clear(self) -> None:
        """Forget everything: in a forked child, the counts are the parent's."""
        for group in self._groups:
            group.sums.clear()


class _Group(Generic[T]):
    """Counters with the same labels."""

    def __init__(
        self,
        labels: tuple[str, ...],
        members: Sequence[tuple[Metric, Callable[[T], float | None]]],
        overflowed: Callable[[str], None],
    ) -> None:
        self.labels = labels
        self.names = [metric.name for metric, _ in members]
        self.pick = picker(labels)
        self.sums = Sums(labels, tuple(self.names), overflowed)
        self._measures = tuple(measure for _, measure in members)

    def add(self, facts: Facts, counted: T) -> None:
        amounts = [measure(counted) or 0 for measure in self._measures]
        if any(amounts):
            self.sums.add(self.pick(facts), *amounts)
