"""The dashboards and monitors that LiteLLM and Datadog publish ask for metrics and labels that there are.

`published_dashboards.json` has what each of them asks for. What is not there is listed here with its reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from litellm_otel.catalogue import CATALOGUE, Metric
from tests.datadog_tables import rows

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED: Final[list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("published_dashboards.json").read_text(encoding="utf-8")
)

# Names that LiteLLM itself no longer has, and what it calls them since.
RENAMED: Final = {
    "litellm_total_tokens_total": "litellm_total_tokens_metric_total",
    "litellm_remaining_requests": "litellm_remaining_requests_metric",
    "litellm_remaining_tokens": "litellm_remaining_tokens_metric",
}
# A label that the collector gives to the GenAI metrics, of their resource.
OF_THE_RESOURCE: Final = {"service_name"}
# What is not LiteLLM's to report: who does, and of what.
OF_DATADOGS: Final = {
    "litellm.endpoint.info": "the Agent's check, of the proxy's /health, which calls every model",
    "litellm.endpoint.healthy_count": "the same",
    "litellm.endpoint.unhealthy_count": "the same",
    "ml_obs.span.duration": "LLM Observability, of the GenAI spans that it is sent",
}
# Tags that are no label of LiteLLM's: in the panels they are N/A, with Datadog's own check too.
NO_LABELS: Final = {"key": "hashed_api_key and api_key_alias are", "team_id": "team is"}
# What Datadog knows of a sender, not of a metric: by the Agent, or of the resource's host.name.
OF_THE_SENDER: Final = {"host"}
SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "histogram": ("bucket", "sum", "count"),
    "counter": ("count",),
}


@dataclass(frozen=True)
class Query:
    """A metric that a panel asks for, with the labels it names."""

    dashboard: str
    panel: str
    metric: str
    labels: frozenset[str]


def queries(store: str) -> list[Query]:
    return [
        Query(each["dashboard"], query["panel"], query["metric"], frozenset(query["labels"]))
        for each in PUBLISHED
        if each["store"] == store
        for query in each["queries"]
    ]


def in_prometheus() -> dict[str, Metric]:
    """Each name that Prometheus has, and its metric."""
    return {
        f"{metric.prometheus}_{suffix}" if metric.kind == "histogram" else metric.prometheus: metric
        for metric in CATALOGUE
        for suffix in SUFFIXES["histogram"]
    }


def at_datadog() -> dict[str, Metric]:
    """Each name that the collector gives at Datadog, and its metric."""
    ours = {metric.name: metric for metric in CATALOGUE}
    found: dict[str, Metric] = {}
    for row in rows("names.csv"):
        if metric := ours.get(row["litellm"]):
            for suffix in SUFFIXES.get(metric.kind, ("",)):
                found[f"{row['datadog']}.{suffix}".rstrip(".")] = metric
    return found


def labels(metric: Metric) -> set[str]:
    """Those it has and those that can be chosen, as both stores write them."""
    return {label.replace(".", "_") for label in (*metric.attributes, *metric.selectable)}


PROMETHEUS: Final = in_prometheus()
DATADOG: Final = at_datadog()


def named(query: Query) -> str:
    return f"{query.dashboard}: {query.panel}"


@pytest.mark.parametrize("query", queries("prometheus"), ids=named)
def test_a_panel_of_grafanas_finds_what_it_asks_for(query: Query) -> None:
    if query.metric in PROMETHEUS:
        known = labels(PROMETHEUS[query.metric])
        assert query.labels <= known | (OF_THE_RESOURCE if "gen_ai" in query.metric else set())
    else:
        assert query.metric in RENAMED


@pytest.mark.parametrize("query", queries("datadog"), ids=named)
def test_a_panel_or_monitor_of_datadogs_finds_what_it_asks_for(query: Query) -> None:
    if query.metric in DATADOG:
        known = labels(DATADOG[query.metric]) | OF_THE_SENDER | set(NO_LABELS)
        assert query.labels <= known
    else:
        assert query.metric in OF_DATADOGS


def test_what_is_not_there_is_asked_for_and_is_still_not_there() -> None:
    asked = {query.metric for query in queries("prometheus")}
    assert set(RENAMED) <= asked
    assert not set(RENAMED) & set(PROMETHEUS)
    assert set(RENAMED.values()) <= set(PROMETHEUS)
    asked = {query.metric for query in queries("datadog")}
    assert set(OF_DATADOGS) <= asked
    assert not set(OF_DATADOGS) & set(DATADOG)
    tags = Counter(label for query in queries("datadog") for label in query.labels)
    assert not [tag for tag in NO_LABELS if not tags[tag]]
    for tag in NO_LABELS:
        assert not any(tag in labels(metric) for metric in DATADOG.values())


def test_litellm_itself_has_none_of_the_old_names() -> None:
    [package] = find_spec("litellm").submodule_search_locations
    source = (Path(package) / "integrations" / "prometheus.py").read_text(encoding="utf-8")
    for old, new in RENAMED.items():
        assert f'"{old.removesuffix("_total")}"' not in source
        assert f'"{new.removesuffix("_total")}"' in source


def test_each_name_is_one_of_the_integrations_or_more() -> None:
    """What is asked for at Datadog has the type that Datadog's integration gives it."""
    types = {row["metric"]: row["type"] for row in rows("metrics.csv")}
    for query in queries("datadog"):
        if query.metric in DATADOG:
            counts = DATADOG[query.metric].kind in SUFFIXES
            assert types[query.metric] == ("count" if counts else "gauge"), query
