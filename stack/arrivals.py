"""What has arrived of one service's telemetry, wherever it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .components.loki import Line
from .site import Backends
from .standins.otlp_records import Log, Span
from .standins.provider import Call

OUR_SCOPE = "litellm_otel"
REQUEST_RECORD = "litellm.request"


@dataclass(frozen=True)
class Arrivals:
    """A view on the backends, of the service with this name alone."""

    backends: Backends
    service: str = "litellm"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for span in list(self.backends.datadog.spans)
            if span.resource.get("service.name") == self.service
        ]

    @property
    def logs(self) -> list[Log]:
        return [
            log
            for log in list(self.backends.datadog.logs)
            if log.resource.get("service.name") == self.service
        ]

    @property
    def records(self) -> list[Log]:
        """The one record that LiteLLM's instrumentation makes of each request."""
        return [log for log in self.logs if log.event == REQUEST_RECORD]

    @property
    def own_lines(self) -> list[Log]:
        """What LiteLLM itself logged."""
        return [log for log in self.logs if log.event != REQUEST_RECORD]

    def total(self, counter: str, **labels: str) -> int:
        """A counter in Prometheus, summed over all processes and other labels."""
        return round(self.backends.prometheus.total(counter, job=self.service, **labels))

    def metric_names(self) -> set[str]:
        series = self.backends.prometheus.series(f'{{job="{self.service}"}}')
        return {labels["__name__"] for labels in series}

    def datadog_total(self, name: str) -> int:
        """The sum of a metric's deltas at Datadog; of a histogram, its observations."""
        return round(self.backends.datadog.total(name, resource={"service.name": self.service}))

    def loki_lines(self) -> list[Line]:
        if self.backends.loki is None:
            return []
        return self.backends.loki.query(f'{{service_name="{self.service}"}}')

    def loki_records(self) -> list[Line]:
        return [line for line in self.loki_lines() if line.event == REQUEST_RECORD]


def servers(spans: Iterable[Span]) -> list[Span]:
    return [span for span in spans if span.kind == "SERVER"]


def routes(spans: Iterable[Span]) -> list[Span]:
    return [
        span
        for span in spans
        if span.scope == OUR_SCOPE and span.kind == "INTERNAL" and span.name.startswith("route ")
    ]


def attempts(spans: Iterable[Span]) -> list[Span]:
    """One for each call of a provider, in the order in which they started."""
    found = (span for span in spans if span.scope == OUR_SCOPE and span.kind == "CLIENT")
    return sorted(found, key=lambda span: span.start)


def provider_calls(spans: Sequence[Span]) -> list[Span]:
    """HTTP client spans anywhere in the traces of requests to the proxy."""
    requested = {span.trace_id for span in servers(spans)}
    return [
        span
        for span in spans
        if span.kind == "CLIENT" and span.scope != OUR_SCOPE and span.trace_id in requested
    ]


def http_calls(spans: Sequence[Span]) -> list[Span]:
    """Those of them whose parent is an attempt."""
    above = identities(attempts(spans))
    return [span for span in provider_calls(spans) if (span.trace_id, span.parent_id) in above]


def identities(spans: Iterable[Span]) -> set[tuple[str, str]]:
    return {(span.trace_id, span.span_id) for span in spans}


def orphans(spans: Sequence[Span]) -> list[Span]:
    """Spans that name a parent which never came; a SERVER span's may be the caller's."""
    known = identities(spans)
    return [
        span
        for span in spans
        if span.kind != "SERVER" and span.parent_id and (span.trace_id, span.parent_id) not in known
    ]


def error_kinds(calls: Iterable[Call]) -> Counter[str]:
    """How often the provider failed in each way, in the words of the label ``kind``."""
    kinds: Counter[str] = Counter()
    for call in calls:
        if call.status == 429:
            kinds["quota" if call.behaviour.startswith("quota") else "rate_limit"] += 1
        elif call.status == 401:
            kinds["auth"] += 1
        elif call.status is not None and call.status >= 500:
            kinds["server"] += 1
    return kinds
