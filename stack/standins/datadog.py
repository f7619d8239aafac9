"""Datadog: its OTLP intake (``https://otlp.<site>``), and what its Agent and its exporter send to.

All of it asks for an API key, and refuses what the real one does. Metrics of every protocol are
in ``series``, by the names, types and tags that Datadog gives them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from . import datadog_intake as intake
from .datadog_series import NotUnderstood, Series, Translation, translated
from .otlp import OtlpSink, Unreadable, decompress
from .otlp_records import Attributes, Metric, Span

_API_KEY = re.compile(r"[0-9a-f]{32}")
_FORBIDDEN = {"errors": ["Forbidden"]}
_LARGEST_PLAIN_METRICS = 500_000
"""Bytes of a request with metrics that is not compressed."""
METRIC_CONFIG = "dd-otel-metric-config"
LLM_OBSERVABILITY = ("dd-otlp-source", "llmobs")


class Datadog(OtlpSink):
    """An organisation with one API key; with none given, any of the right form is taken."""

    name = "Datadog"
    accepted_status = 202
    metrics_path = "/api/v2/otlpmetrics"
    largest_body = 5 * 2**20

    def __init__(self, port: int | None = None, *, api_key: str | None = None) -> None:
        super().__init__(port)
        self.api_key = api_key
        self.series: list[Series] = []
        self.llm_spans: list[Span] = []
        """Those that are in LLM Observability."""
        self.apm_spans: list[intake.ApmSpan] = []
        self.statistics: list[intake.ApmStatistic] = []
        self.agent_logs: list[dict[str, Any]] = []
        self.hosts: list[dict[str, Any]] = []

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        protobuf, json = (intake.PROTOBUF,), (intake.JSON,)
        return [
            *super().routes(),
            web.get("/api/v1/validate", self._validate),
            web.post(
                "/api/v2/series",
                self._taking(
                    protobuf + json,
                    lambda body, kind: self.series.extend([*intake.read_series(body, kind)]),
                ),
            ),
            web.post(
                "/api/beta/sketches",
                self._taking(
                    protobuf, lambda body, _: self.series.extend([*intake.read_sketches(body)])
                ),
            ),
            web.post(
                "/api/v0.2/traces",
                self._taking(
                    protobuf, lambda body, _: self.apm_spans.extend([*intake.read_traces(body)])
                ),
            ),
            web.post(
                "/api/v0.2/stats",
                self._taking(
                    ("application/msgpack",),
                    lambda body, _: self.statistics.extend([*intake.read_statistics(body)]),
                ),
            ),
            web.post(
                "/api/v2/logs",
                self._taking(json, lambda body, _: self.agent_logs.extend(intake.read_logs(body))),
            ),
            web.post(
                "/intake/",
                self._taking(json, lambda body, _: self.hosts.append(intake.read_host(body))),
            ),
        ]

    # -- OTLP ---------------------------------------------------------------------------------

    def check(self, request: web.Request) -> web.Response | None:
        if (refusal := self._check_key(request)) is not None:
            return refusal
        return super().check(request)

    def check_body(self, request: web.Request, body: bytes) -> web.Response | None:
        if len(body) > self.largest_body:
            return self.refused(request, 413, f"{len(body)} bytes when unpacked")
        plain = "Content-Encoding" not in request.headers
        if request.path == self.metrics_path and plain and len(body) > _LARGEST_PLAIN_METRICS:
            return self.refused(request, 413, f"{len(body)} bytes that are not compressed")
        return None

    def check_metrics(self, request: web.Request, metrics: list[Metric]) -> web.Response | None:
        wrong = sorted({metric.name for metric in metrics if not _usable(metric)})
        if wrong:
            return self.refused(
                request, 400, f"only delta temporality is accepted; cumulative: {', '.join(wrong)}"
            )
        try:
            Translation.of_header(request.headers.get(METRIC_CONFIG))
        except NotUnderstood as error:
            return self.refused(request, 400, str(error))
        return None

    def keep_metrics(self, request: web.Request, message: ExportMetricsServiceRequest) -> None:
        how = Translation.of_header(request.headers.get(METRIC_CONFIG))
        self.series.extend(translated(message, how, "otlp"))

    def keep_spans(self, request: web.Request, spans: list[Span]) -> None:
        header, value = LLM_OBSERVABILITY
        if request.headers.get(header) == value:
            # By the conventions from 1.37 on; other spans are in APM alone.
            wanted = {"gen_ai.operation.name", "gen_ai.provider.name"}
            self.llm_spans.extend(span for span in spans if wanted <= set(span.attributes))

    # -- the protocols of its own ----------------------------------------------------------------

    async def _validate(self, request: web.Request) -> web.Response:
        return self._check_key(request) or web.json_response({"valid": True})

    def _taking(
        self, content_types: tuple[str, ...], keep: Callable[[bytes, str], object]
    ) -> Callable[[web.Request], Any]:
        async def take(request: web.Request) -> web.Response:
            if (refusal := self._check_key(request)) is not None:
                return refusal
            if request.content_type not in content_types:
                return self.refused(request, 415, f"content type {request.content_type}")
            try:
                encoding = request.headers.get("Content-Encoding", "")
                body = decompress(await request.read(), encoding)
                if len(body) > self.largest_body:
                    return self.refused(request, 413, f"{len(body)} bytes when unpacked")
                keep(body, request.content_type)
            except (Unreadable, intake.Refused) as error:
                return self.refused(request, 400, str(error))
            self.bodies.append(body)
            self.requests[request.path] += 1
            return web.json_response({"errors": []}, status=202)

        return take

    def _check_key(self, request: web.Request) -> web.Response | None:
        key = request.headers.get("dd-api-key") or request.query.get("api_key", "")
        if not _API_KEY.fullmatch(key) or (self.api_key and key != self.api_key):
            self.refuse(request.path, "dd-api-key is missing or wrong")
            return web.json_response(_FORBIDDEN, status=403)
        return None

    # -- what tests and people ask ------------------------------------------------------------

    def metrics_by_name(self) -> dict[str, list[Series]]:
        found: dict[str, list[Series]] = {}
        for series in list(self.series):
            found.setdefault(series.name, []).append(series)
        return found

    def arrived(self) -> dict[str, dict[str, list[str]]]:
        """The metrics by Datadog's names, each with its types and the keys of its tags."""
        return {
            name: {
                "types": sorted({each.type for each in series}),
                "ways": sorted({each.way for each in series}),
                "tags": sorted({tag.partition(":")[0] for each in series for tag in each.tags}),
            }
            for name, series in sorted(self.metrics_by_name().items())
        }

    def total(self, name: str, *, resource: Attributes | None = None, **attributes: str) -> float:
        """The sum of a counter's deltas, or the number of a histogram's observations."""
        return sum(
            point.value if point.count is None else point.count
            for metric in list(self.metrics)
            if metric.name == name and _carries(metric.resource, resource or {})
            for point in metric.points
            if _carries(point.attributes, attributes)
        )

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "datadog_metrics": self.arrived(),
            "apm_spans": len(self.apm_spans),
            "apm_hits": sum(each.hits for each in self.statistics),
            "llm_spans": len(self.llm_spans),
            "agent_logs": len(self.agent_logs),
            "hosts": [host["internalHostname"] for host in self.hosts],
        }

    def forget(self) -> None:
        super().forget()
        for kept in (self.series, self.llm_spans, self.apm_spans):
            kept.clear()
        for others in (self.statistics, self.agent_logs, self.hosts):
            others.clear()


class DatadogAgent(OtlpSink):
    """The OTLP port of a Datadog Agent, with the ``otlp_config`` of the sample configuration."""

    name = "Datadog Agent"
    otlp_config = Translation(
        resource_attributes_as_tags=True, histograms="counters", aggregations=True
    )

    def __init__(self, port: int | None = None) -> None:
        super().__init__(port)
        self.series: list[Series] = []

    def keep_metrics(self, request: web.Request, message: ExportMetricsServiceRequest) -> None:
        self.series.extend(translated(message, self.otlp_config, "agent"))

    def forget(self) -> None:
        super().forget()
        self.series.clear()


def _carries(attributes: Attributes, wanted: Attributes) -> bool:
    return all(attributes.get(key) == value for key, value in wanted.items())


def _usable(metric: Metric) -> bool:
    """Monotonic sums and histograms have to be deltas; levels have no increments to lose."""
    if metric.kind == "sum" and not metric.monotonic:
        return True
    return metric.temporality in ("", "delta")
