"""The sample configurations for a Datadog Agent have the options that the Agent knows, and agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from litellm_otel import catalogue

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "datadog-agent"
# Of the options that Datadog's specification lists for its LiteLLM check and, with namespace and
# metrics required, for the generic one.
INSTANCE = {
    *("openmetrics_endpoint", "extra_metrics", "exclude_metrics", "namespace", "metrics"),
    *("headers", "service", "tags", "min_collection_interval", "timeout"),
    *("collect_histogram_buckets", "non_cumulative_histogram_buckets"),
    *("histogram_buckets_as_distributions", "litellm_health_endpoint", "rename_labels"),
}
OTLP = {
    "receiver": {"protocols": {"http": {"endpoint": {}}, "grpc": {"endpoint": {}}}},
    "metrics": {
        "enabled": {},
        "resource_attributes_as_tags": {},
        "instrumentation_scope_metadata_as_tags": {},
        "histograms": {"mode": {}, "send_aggregation_metrics": {}},
        "sums": {"cumulative_monotonic_mode": {}, "initial_cumulative_monotonic_value": {}},
        "delta_ttl": {},
    },
    "traces": {"enabled": {}, "probabilistic_sampler": {"sampling_percentage": {}}},
    "logs": {"enabled": {}},
}
PAGE = "/metrics"


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def check_instance(instance: dict[str, Any]) -> None:
    assert set(instance) <= INSTANCE
    assert instance["openmetrics_endpoint"].endswith(f":4000{PAGE}")
    assert instance["non_cumulative_histogram_buckets"] is True


def unknown(given: Any, known: Any, at: str = "otlp_config") -> list[str]:
    """What is not among the options, by its path."""
    found: list[str] = []
    for key, value in given.items() if isinstance(given, dict) else ():
        if key not in known:
            found.append(f"{at}.{key}")
        elif isinstance(known, dict):
            found += unknown(value, known[key], f"{at}.{key}")
    return found


def test_the_agents_own() -> None:
    agent = read("datadog.yaml")
    assert unknown(agent["otlp_config"], OTLP) == []
    histograms = agent["otlp_config"]["metrics"]["histograms"]
    assert histograms == {"mode": "counters", "send_aggregation_metrics": True}
    assert agent["logs_enabled"] is agent["otlp_config"]["logs"]["enabled"] is True
    assert unknown({"metric": {}}, OTLP) == ["otlp_config.metric"]


def test_the_checks() -> None:
    litellm, generic = read("conf.d/litellm.d/conf.yaml"), read("conf.d/openmetrics.d/conf.yaml")
    for document in (litellm, generic):
        assert document["init_config"] is None
        [instance] = document["instances"]
        check_instance(instance)
    assert {"namespace", "metrics"} <= set(generic["instances"][0])
    # By the names on the page, which the check knows without _total.
    known = {metric.prometheus.removesuffix("_total") for metric in catalogue.CATALOGUE}
    named = {name for each in litellm["instances"][0]["extra_metrics"] for name in each}
    assert named <= known
    [log] = litellm["logs"]
    assert set(log) == {"type", "path", "service", "source"}
    assert log["type"] == "file"


def test_autodiscovery() -> None:
    deployment = read("kubernetes.yaml")
    pod = deployment["spec"]["template"]
    [container] = pod["spec"]["containers"]
    annotations = pod["metadata"]["annotations"]
    prefix = f"ad.datadoghq.com/{container['name']}."
    assert set(annotations) == {f"{prefix}checks", f"{prefix}logs"}
    labels = read("docker-compose.yml")["services"]["litellm"]["labels"]
    for checks in (annotations[f"{prefix}checks"], labels["com.datadoghq.ad.checks"]):
        check = json.loads(checks)["litellm"]
        assert set(check) == {"init_config", "instances"}
        [instance] = check["instances"]
        check_instance(instance)
    for logs in (annotations[f"{prefix}logs"], labels["com.datadoghq.ad.logs"]):
        assert json.loads(logs) == [{"source": "litellm", "service": "litellm"}]
    unified = {"env", "service", "version"}
    for where in (deployment["metadata"]["labels"], pod["metadata"]["labels"]):
        assert {f"tags.datadoghq.com/{each}" for each in unified} <= set(where)
    assert {f"com.datadoghq.tags.{each}" for each in unified} <= set(labels)
