"""Service events → the metrics of LiteLLM's services. A service that is not used has no instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litellm_otel import catalogue
from litellm_otel import selection as selections
from litellm_otel.emit.counters import Counters
from litellm_otel.emit.gauges import Gauge
from litellm_otel.emit.histograms import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

    from litellm_otel.catalogue import Metric, Service
    from litellm_otel.emit.histograms import Distributions
    from litellm_otel.model import ServiceEvent
    from litellm_otel.selection import Selection

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
                used = _Used(service, self._meter, self._distributions, self._overflowed)
                used.select(selections.current())
                self._used[event.service] = used

    def service_event(self, event: ServiceEvent) -> None:
        used = self._used.get(event.service)
        if used is not None:
            used.note(event)

    def select(self, selection: Selection) -> None:
        for used in list(self._used.values()):
            used.select(selection)

    def clear(self) -> None:
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
        measures: list[tuple[Metric, Callable[[ServiceEvent], float | None]]] = []
        if service.total is not None:
            measures.append((service.total, lambda _: 1))
        if service.failed is not None:
            measures.append((service.failed, lambda event: event.error_class is not None))
        self._counters = Counters["ServiceEvent"](meter, overflowed, measures)
        self._latency = (
            Histogram(distributions, overflowed, service.latency)
            if service.latency is not None
            else None
        )
        self._size = Gauge(meter, overflowed, service.size) if service.size is not None else None

    @property
    def _instruments(self) -> tuple[Counters[ServiceEvent] | Histogram | Gauge, ...]:
        given = (self._counters, self._latency, self._size)
        return tuple(instrument for instrument in given if instrument is not None)

    def note(self, event: ServiceEvent) -> None:
        facts = {
            self._name: self._name,
            "error_class": event.error_class,
            "function_name": event.function,
        }
        if event.size is not None and self._size is not None:
            self._size.set({self._name: event.sized or None}, event.size)
        self._counters.add(facts, event)
        if event.error_class is None and event.seconds is not None and self._latency is not None:
            self._latency.record(facts, event.seconds, None)

    def select(self, selection: Selection) -> None:
        for instrument in self._instruments:
            instrument.select(selection)

    def clear(self) -> None:
        """The counts are the parent's."""
        for instrument in self._instruments:
            instrument.clear()
