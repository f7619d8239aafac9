"""The metrics of this process as a page, with exemplars, which the SDK's own exporter leaves out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import Histogram
from opentelemetry.trace import format_span_id, format_trace_id
from prometheus_client import CollectorRegistry

from litellm_otel.catalogue import CATALOGUE
from litellm_otel.emit import ages
from litellm_otel.prometheus.families import Family, Sample, label_value, labels_key
from litellm_otel.prometheus.merging import family_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.metrics.export import HistogramDataPoint, MetricsData

    from litellm_otel.prometheus.families import Key, Page

    Exemplars = dict[Key, tuple[dict[str, str], float, float]]

_METRICS: Final = {metric.name: metric for metric in CATALOGUE}
_GAUGES: Final = {
    family_name(metric.prometheus): metric.name for metric in CATALOGUE if metric.kind == "gauge"
}


class Reader(PrometheusMetricReader):
    """Translates what the SDK collects. Its registry is its own: LiteLLM's `prometheus` callback serves the
    process', with names that are ours too."""

    def __init__(self) -> None:
        self._own_registry = CollectorRegistry()
        self._exemplars: Exemplars = {}
        self._one_at_a_time = threading.Lock()
        super().__init__(registry=self._own_registry)

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self._exemplars = dict(_exemplars(metrics_data))
        super()._receive_metrics(metrics_data, timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType]

    def page(self) -> Page:
        """Collect now."""
        with self._one_at_a_time:
            collected = list(self._own_registry.collect())
            exemplars, self._exemplars = self._exemplars, {}
        page: Page = {}
        for metric in collected:
            family = page.setdefault(
                metric.name, Family(metric.name, metric.documentation, metric.type, metric.unit)
            )
            for sample in metric.samples:
                key = (sample.name, labels_key(_without_scope(sample.labels)))
                family.samples[key] = Sample(float(sample.value), exemplars.get(key))
            if metric.name in _GAUGES:
                _note_ages(family, _GAUGES[metric.name])
        return page

    def after_fork(self) -> None:
        self._one_at_a_time = threading.Lock()


def _without_scope(labels: dict[str, str]) -> dict[str, str]:
    """Whoever wrote for LiteLLM's own endpoint does not expect them."""
    return {name: value for name, value in labels.items() if not name.startswith("otel_scope_")}


def _note_ages(family: Family, metric: str) -> None:
    for labels, told in ages.of(metric):
        sample = family.samples.get((family.name, labels_key(labels)))
        if sample is not None:
            sample.told = told


def _exemplars(data: MetricsData) -> Iterator[tuple[Key, tuple[dict[str, str], float, float]]]:
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                known = _METRICS.get(metric.name)
                if known is not None and isinstance(metric.data, Histogram):
                    for point in metric.data.data_points:
                        yield from _of_point(f"{known.prometheus}_bucket", point)


def _of_point(
    name: str, point: HistogramDataPoint
) -> Iterator[tuple[Key, tuple[dict[str, str], float, float]]]:
    bounds = [*point.explicit_bounds, float("inf")]
    attributes = {key: label_value(value) for key, value in (point.attributes or {}).items()}
    for exemplar in point.exemplars:
        if exemplar.trace_id is None or exemplar.span_id is None:
            continue
        bound = next(each for each in bounds if exemplar.value <= each)
        le = "+Inf" if bound == float("inf") else str(bound)
        labels = {
            "trace_id": format_trace_id(exemplar.trace_id),
            "span_id": format_span_id(exemplar.span_id),
        }
        yield (
            (name, labels_key({**attributes, "le": le})),
            (labels, exemplar.value, exemplar.time_unix_nano / 1e9),
        )
