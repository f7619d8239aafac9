"""What was sent against what arrived: each comparison is one row of the demo's table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..arrivals import (
    Arrivals,
    attempts,
    error_kinds,
    http_calls,
    identities,
    orphans,
    routes,
    servers,
)
from ..site import Backends
from ..traffic import Traffic

ALERT = "LiteLLMHighErrorRate"


@dataclass(frozen=True)
class Check:
    """One row. With ``at_least`` more than expected is fine too."""

    where: str
    what: str
    expected: int
    arrived: int
    at_least: bool = False

    @property
    def ok(self) -> bool:
        if self.at_least:
            return self.arrived >= self.expected
        return self.arrived == self.expected


@dataclass(frozen=True)
class Evidence:
    """What the client saw of all traffic, and the parts that hold what arrived."""

    traffic: Traffic
    backends: Backends

    @property
    def arrived(self) -> Arrivals:
        return Arrivals(self.backends)

    def checks(self) -> list[Check]:
        return [
            *self._spans(),
            *self._series(),
            *self._records(),
            *self._datadog_metrics(),
            *self._pages(),
            Check("Stand-ins", "requests they refused", 0, len(self.backends.refusals())),
        ]

    def _spans(self) -> Iterable[Check]:
        spans = self.arrived.spans
        where, sent = "Datadog, traces", len(self.traffic)
        calls = len(self.backends.provider.calls)
        yield Check(where, "SERVER spans, one a request", sent, len(servers(spans)))
        yield Check(
            where, "route spans, one a routed request", self.traffic.routed, len(routes(spans))
        )
        yield Check(where, "attempt spans, one a provider call", calls, len(attempts(spans)))
        yield Check(where, "HTTP client spans below them", calls, len(http_calls(spans)))
        yield Check(where, "spans that came twice", 0, len(spans) - len(identities(spans)))
        yield Check(where, "spans without the parent they name", 0, len(orphans(spans)))

    def _series(self) -> Iterable[Check]:
        where, sent, total = "Prometheus", len(self.traffic), self.arrived.total
        yield Check(where, "litellm_requests_total", sent, total("litellm_requests_total"))
        for status, count in sorted(self.traffic.by_status().items()):
            arrived = total("litellm_requests_total", status=status)
            yield Check(where, f"  … status={status}", count, arrived)
        latency = "litellm_request_latency_seconds_count"
        yield Check(where, latency, sent, total(latency))
        for kind, count in sorted(error_kinds(self.backends.provider.calls).items()):
            arrived = total("litellm_provider_errors_total", kind=kind)
            yield Check(where, f"litellm_provider_errors_total, kind={kind}", count, arrived)
        names = self.arrived.metric_names()
        for prefix in ("gen_ai_client_", "process_", "litellm_"):
            found = sum(name.startswith(prefix) for name in names)
            yield Check(where, f"metric names {prefix}*", 2, found, at_least=True)

    def _records(self) -> Iterable[Check]:
        where, sent, records = "Datadog, logs", len(self.traffic), self.arrived.records
        traced = sum(bool(record.trace_id) for record in records)
        lines = sum(bool(line.trace_id) for line in self.arrived.own_lines)
        yield Check(where, "request records", sent, len(records))
        yield Check(where, "  … with the id of their trace", sent, traced)
        yield Check(where, "LiteLLM's lines with a trace id", 1, lines, at_least=True)
        if self.backends.loki is not None:
            stored = self.arrived.loki_records()
            traced = sum(bool(line.trace_id) for line in stored)
            yield Check("Loki", "request records", sent, len(stored))
            yield Check("Loki", "  … with the id of their trace", sent, traced)

    def _datadog_metrics(self) -> Iterable[Check]:
        where, sent, total = "Datadog, metrics", len(self.traffic), self.arrived.datadog_total
        for name in ("litellm.requests", "litellm.request.latency"):
            yield Check(where, f"{name}, deltas", sent, total(name))

    def _pages(self) -> Iterable[Check]:
        events = self.backends.pagerduty.of_alert(ALERT)
        actions = Counter(event.action for event in events)
        incidents = len({event.dedup_key for event in events})
        yield Check("PagerDuty", f"{ALERT}: incidents", 1, incidents)
        yield Check("PagerDuty", "  … triggered", 1, actions["trigger"])
        yield Check("PagerDuty", "  … resolved", 1, actions["resolve"])
        messages = self.backends.slack.of_alert(ALERT)
        resolved = sum("RESOLVED" in message.text for message in messages)
        yield Check("Slack", f"{ALERT}: messages", 1, len(messages) - resolved)
        yield Check("Slack", "  … resolved", 1, resolved)
