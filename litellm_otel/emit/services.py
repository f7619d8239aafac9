"""Service events → the metrics of LiteLLM's services. A service that is not used has no instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from litellm_otel import catalogue
from litellm_otel.emit.cells import counters
from litellm_otel.emit.distributions import CellDistribution

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import CallbackOptions, Meter

    from litellm_otel.catalogue import Metric, Service
    from litellm_otel.emit.distributions import Distribution
    from litellm_otel.model import ServiceEvent

    Distributions = Callable[[Metric, Callable[[str], None]], Distribution]

_KNOWN = {service.name: service for service in catalogue.SERVICES}


class Services:
    """Counts and times each use of a service, and keeps the last size of each queue."""

    def __init__(
        self, meter: Meter, distributions: Distributions, overflowed: Callable[[str], None]
    ) -> None:
        self._meter = meter
        self._distributions = distributions
        self._overflowed = overflowed
        self._used: dict[str, _Used] = {}

    def prepare(self, event: ServiceEvent) -> None:
        """Make the instruments of its service. Not while metrics are read: the SDK would wait for itself."""
        if event.service not in self._used:
            service = _KNOWN.get(event.service)
            if service is not None:  # otherwise of a newer LiteLLM: its metrics have no names yet
                self._used[event.service] = _Used(
                    service, self._meter, self._distributions, self._overflowed
                )

    def service_event(self, event: ServiceEvent) -> None:
        used = self._used.get(event.service)
        if used is not None:
            used.note(event)

    def after_fork(self) -> None:
        for used in self._used.values():
            used.clear()


class _Used:
    """The instruments of a service that is in use."""

    def __init__(
        self,
        service: Service,
        meter: Meter,
        distributions: Distributions,
        overflowed: Callable[[str], None],
    ) -> None:
        self._name = service.name
        self._sizes: dict[str, float] = {}
        self._latency = (
            distributions(service.latency, overflowed) if service.latency is not None else None
        )
        self._total = (
            counters(meter, overflowed, service.total) if service.total is not None else None
        )
        self._failed = (
            counters(meter, overflowed, service.failed) if service.failed is not None else None
        )
        if service.size is not None:
            metric = service.size
            meter.create_observable_gauge(
                metric.name, [self._observe], metric.unit, metric.description
            )

    def note(self, event: ServiceEvent) -> None:
        labels = (self._name,)
        if event.size is not None:
            self._sizes[event.sized] = event.size
        if self._total is not None:
            self._total.add(labels, 1)
        if event.error_class is not None:
            if self._failed is not None:
                self._failed.add((*labels, event.error_class, event.function), 1)
        elif self._latency is not None and event.seconds is not None:
            self._latency.record(labels, event.seconds, None)

    def _observe(self, _: CallbackOptions) -> list[Observation]:
        return [
            Observation(size, {self._name: sized} if sized else {})
            for sized, size in list(self._sizes.items())
        ]

    def clear(self) -> None:
        """The counts are the parent's."""
        self._sizes.clear()
        for sums in (self._total, self._failed):
            if sums is not None:
                sums.clear()
        if isinstance(self._latency, CellDistribution):
            self._latency.after_fork()
