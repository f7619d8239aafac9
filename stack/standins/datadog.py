"""Datadog's OTLP intake (``https://otlp.<site>``): protobuf, an API key, delta metrics only."""

from __future__ import annotations

import re

from aiohttp import web

from .otlp import OtlpSink
from .otlp_records import Attributes, Metric

_API_KEY = re.compile(r"[0-9a-f]{32}")


class Datadog(OtlpSink):
    """An organisation with one API key; with none given, any of the right form is taken."""

    name = "Datadog"
    accepted_status = 202
    metrics_path = "/api/v2/otlpmetrics"
    largest_body = 5 * 2**20

    def __init__(self, port: int | None = None, *, api_key: str | None = None) -> None:
        super().__init__(port)
        self.api_key = api_key

    def check(self, request: web.Request) -> web.Response | None:
        key = request.headers.get("dd-api-key", "")
        if not _API_KEY.fullmatch(key) or (self.api_key and key != self.api_key):
            self.refuse(request.path, "dd-api-key is missing or wrong")
            return web.json_response({"errors": ["Forbidden"]}, status=403)
        return super().check(request)

    def check_metrics(self, request: web.Request, metrics: list[Metric]) -> web.Response | None:
        wrong = sorted({metric.name for metric in metrics if not _usable(metric)})
        if wrong:
            return self.refused(
                request, 400, f"only delta temporality is accepted; cumulative: {', '.join(wrong)}"
            )
        return None

    def total(self, name: str, *, resource: Attributes | None = None, **attributes: str) -> float:
        """The sum of a counter's deltas, or the number of a histogram's observations."""
        return sum(
            point.value if point.count is None else point.count
            for metric in list(self.metrics)
            if metric.name == name and _carries(metric.resource, resource or {})
            for point in metric.points
            if _carries(point.attributes, attributes)
        )


def _carries(attributes: Attributes, wanted: Attributes) -> bool:
    return all(attributes.get(key) == value for key, value in wanted.items())


def _usable(metric: Metric) -> bool:
    """Monotonic sums and histograms have to be deltas; levels have no increments to lose."""
    if metric.kind == "sum" and not metric.monotonic:
        return True
    return metric.temporality in ("", "delta")
