"""What the test expects of one metric, and how it is held against the series that are in Prometheus."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import isclose
from typing import Any, TypeAlias

from litellm_otel.catalogue import Metric
from stack.components import Prometheus
from tests.stack.metrics_traffic.site import SERVICE
from tests.stack.metrics_traffic.traffic import CHAT, CUSTOMER, USER_AGENT, Traffic, key_of

OF_THE_PROCESS = frozenset({"job", "instance"})
"""Labels that say which process it is."""
Value: TypeAlias = "float | tuple[float, float]"
"""One number, or what it has to be between."""
Facts: TypeAlias = "Mapping[str, str | Callable[[Traffic], str]]"


class By(Enum):
    """What makes the series."""

    REQUESTS = "requests"
    JOBS = "LiteLLM's own jobs and queues in the proxy's process"
    EVENTS = "LiteLLM's service events"
    CALLBACK = "what LiteLLM and its enterprise package tell their Prometheus callback"


@dataclass(frozen=True)
class Row:
    """One series of a metric: with these labels, and no others, it has this value."""

    metric: Metric
    value: Callable[[Traffic], Value]
    facts: Facts = field(default_factory=dict[str, Any])
    """The values of its labels, and of others."""
    without: tuple[str, ...] = ()
    """Labels that are not known of what was asked."""
    by: By = By.REQUESTS
    held: bool = False
    """Whether it is looked at while requests are under way."""
    tolerance: float = 1e-6

    def labels(self, traffic: Traffic) -> dict[str, str]:
        given = {
            name: self.facts[name] for name in self.metric.attributes if name not in self.without
        }
        return {
            name: fact if isinstance(fact, str) else fact(traffic) for name, fact in given.items()
        }


def hash_of(alias: str) -> str:
    return hashlib.sha256(key_of(alias).encode()).hexdigest()


def caller(alias: str) -> dict[str, str]:
    return {"hashed_api_key": hash_of(alias), "api_key_alias": alias, "user": alias}


def deployment(group: str, model: str, provider: str = "openai") -> Facts:
    return {
        "requested_model": group,
        "model_group": group,
        "model": model,
        "litellm_model_name": model,
        "model_id": f"{group}-1",
        "api_provider": provider,
        "api_base": lambda traffic: traffic.api_base,
        "service_tier": "default",
        "route": CHAT,
    }


ADA: Facts = {
    **caller("ada"),
    "user_email": "ada@example.com",
    "team": "team-7",
    "team_alias": "analysts",
    "org_id": "org-1",
    "org_alias": "acme",
    "end_user": CUSTOMER,
    "client_ip": "127.0.0.1",
    "user_agent": USER_AGENT,
}
FAST: Facts = {**ADA, **deployment("fast", "gpt-4o")}
FAILING: Facts = {
    **ADA,
    **deployment("failing", "gpt-4o@server-error"),
    "exception_status": "500",
    "exception_class": "Openai.InternalServerError",
}


class Series:
    """All of the proxy's series at one moment."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._values: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
        for found in prometheus.query(f'{{job="{SERVICE}"}}'):
            labels = {n: v for n, v in found["metric"].items() if n not in OF_THE_PROCESS}
            name = labels.pop("__name__")
            value = float(found["value"][1])
            self._values.setdefault(name, {})[frozenset(labels.items())] = value

    def of(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        for labels, value in self._values.get(name, {}).items():
            yield dict(labels), value

    def value(self, name: str, labels: Mapping[str, str]) -> float | None:
        return self._values.get(name, {}).get(frozenset(labels.items()))


def wrong(row: Row, traffic: Traffic, series: Series) -> str:
    """What is wrong with the row's series; "" for nothing."""
    metric, labels = row.metric, row.labels(traffic)
    name = metric.prometheus + ("_count" if metric.kind == "histogram" else "")
    value, wanted = series.value(name, labels), row.value(traffic)
    if value is None:
        there = "\n".join(f"  {value} {labels}" for labels, value in series.of(name))
        return f"no {name} with {labels}, only\n{there or '  nothing'}"
    low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
    if not low <= value <= high and not isclose(value, low, rel_tol=1e-9, abs_tol=row.tolerance):
        return f"{name} is {value}, not {wanted}"
    return _wrong_buckets(metric, labels, traffic, series) if metric.kind == "histogram" else ""


def _wrong_buckets(
    metric: Metric, labels: Mapping[str, str], traffic: Traffic, series: Series
) -> str:
    total = series.value(f"{metric.prometheus}_sum", labels)
    if total is None or not 0 <= total <= traffic.seconds:
        return f"{metric.prometheus}_sum is {total}, of {traffic.seconds} s in all"
    wanted = [*metric.buckets, float("inf")]
    bounds = sorted(
        float(bucket["le"])
        for bucket, _ in series.of(f"{metric.prometheus}_bucket")
        if {n: v for n, v in bucket.items() if n != "le"} == labels
    )
    return "" if bounds == wanted else f"its bounds are {bounds}"
