"""What we keep in cells of our own, handed to the SDK's collection as finished points.

The SDK keeps each series once more for each reader, and looks each up by its attributes at each
collection; and it says of a counter that is observed that it began when it was first collected. Where
the SDK is not as expected, or views or delta temporality are asked for, its own instruments are used:
`scope_for` decides.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import wrapt
from opentelemetry.sdk.metrics import Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from litellm_otel.boundary import guarded, report

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

_logger = logging.getLogger("litellm_otel")
_CONSUMER: Final = "opentelemetry.sdk.metrics._internal.measurement_consumer"

Collect: TypeAlias = "Callable[[int], Metric | None]"
"""Makes a metric's points, for a time in nanoseconds since the epoch; None where there are none."""


class Scope:
    """Our metrics of one instrumentation scope of one provider."""

    def __init__(self, name: str, version: str) -> None:
        self.scope = InstrumentationScope(name, version)
        self._metrics: list[Collect] = []

    def add(self, collect: Collect) -> None:
        self._metrics.append(guarded(collect))

    def add_to(self, data: MetricsData | None, resource: Any) -> MetricsData | None:
        now = time.time_ns()
        metrics = [metric for collect in self._metrics if (metric := collect(now)) is not None]
        if not metrics:
            return data
        ours = ScopeMetrics(self.scope, metrics, "")
        if data is None or not data.resource_metrics:
            return MetricsData([ResourceMetrics(resource, [ours], resource.schema_url)])
        first, *others = data.resource_metrics
        scopes = [
            ScopeMetrics(self.scope, [*scope.metrics, *metrics], scope.schema_url)
            if _same(scope.scope, self.scope)
            else scope
            for scope in first.scope_metrics
        ]
        if not any(_same(scope.scope, self.scope) for scope in first.scope_metrics):
            scopes.append(ours)
        return MetricsData([ResourceMetrics(first.resource, scopes, first.schema_url), *others])


def _same(one: InstrumentationScope, other: InstrumentationScope) -> bool:
    return (one.name, one.version) == (other.name, other.version)


_scopes: weakref.WeakKeyDictionary[Any, list[Scope]] = weakref.WeakKeyDictionary()


def prepare() -> None:
    """Watch the SDK's collection. To be called before a meter provider is made."""

    def hook(module: Any) -> None:
        try:
            if not _is_watched(module.SynchronousMeasurementConsumer):
                wrapt.wrap_function_wrapper(
                    module, "SynchronousMeasurementConsumer.collect", _collecting
                )
        except (AttributeError, ImportError):
            _logger.debug("litellm-otel: this SDK collects otherwise; its instruments are used")

    wrapt.when_imported(_CONSUMER)(hook)


def _is_watched(consumer_class: Any) -> bool:
    return isinstance(vars(consumer_class)["collect"], wrapt.FunctionWrapper)


def _collecting(
    wrapped: Callable[..., Any], consumer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    data = wrapped(*args, **kwargs)
    try:
        for scope in _scopes.get(consumer, ()):
            data = scope.add_to(data, consumer._sdk_config.resource)
    except Exception:
        report("collecting metrics")
    return data


def scope_for(provider: Any, name: str, version: str) -> Scope | None:
    """A scope for what this provider's meter of that name has; None where it has to be the SDK's."""
    consumer = getattr(provider, "_measurement_consumer", None)
    if consumer is None or not fits(provider):
        return None
    scope = Scope(name, version)
    _scopes.setdefault(consumer, []).append(scope)
    return scope


def scope_of(meter: Meter) -> Scope | None:
    """The scope that was made for this meter's name."""
    consumer = getattr(meter, "_measurement_consumer", None)
    known = _scopes.get(consumer, ()) if consumer is not None else ()
    return next(
        (
            one
            for one in known
            if (one.scope.name, one.scope.version) == (meter.name, meter.version)
        ),
        None,
    )


def fits(provider: Any) -> bool:
    """Whether this provider's counters and histograms can be ours."""
    try:
        consumer = provider._measurement_consumer
        cumulative = all(
            temporality == AggregationTemporality.CUMULATIVE
            for reader in consumer._reader_storages
            for instrument, temporality in reader._instrument_class_temporality.items()
            if issubclass(instrument, (Histogram, ObservableCounter))
        )
        return _is_watched(type(consumer)) and cumulative and not consumer._sdk_config.views
    except (AttributeError, KeyError, TypeError):
        return False
