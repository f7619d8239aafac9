"""The Grafana dashboards: that they can be imported, and that every query in them can be run."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting import rules
from litellm_otel.catalogue import CATALOGUE
from tools.build import binary

ROOT = Path(__file__).resolve().parents[2]
# Those of LiteLLM's traffic; the collector's own is in test_collector_watching.py.
FILES = sorted((ROOT / "dashboards" / "grafana").glob("litellm-*.json"))
# What LiteLLM's processes send, as it is named in Prometheus.
METRICS = {
    metric.prometheus + ("_bucket" if metric.kind == "histogram" else "") for metric in CATALOGUE
} | {"process_cpu_time_seconds_total", "process_memory_usage_bytes"}

Dashboard = dict[str, Any]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def dashboard(request: pytest.FixtureRequest) -> Dashboard:
    return json.loads(request.param.read_text(encoding="utf-8"))


def queries(dashboard: Dashboard, kind: str) -> list[str]:
    found = [
        target["expr"]
        for panel in dashboard["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == kind
    ]
    annotations = dashboard["annotations"]["list"]
    return found + [each["expr"] for each in annotations if each["datasource"]["type"] == kind]


def test_there_is_the_one_that_alerts_link_to() -> None:
    uids = [json.loads(path.read_text(encoding="utf-8"))["uid"] for path in FILES]
    files = (rules.RULES, rules.LIMITS_RULES, rules.INTERNALS_RULES)
    linked = re.findall(r"/d/([\w-]+)\?", "".join(file.read_text("utf-8") for file in files))
    assert linked
    assert set(linked) <= set(uids)
    assert len(set(uids)) == len(uids)


def test_panels_are_told_apart_and_do_not_overlap(dashboard: Dashboard) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        ), (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_data_sources_are_chosen_not_written_in(dashboard: Dashboard) -> None:
    text = json.dumps(dashboard)
    uids = set(re.findall(r'"uid": "(\$\{\w+\})"', text))
    assert {"${prometheus}"} <= uids <= {"${prometheus}", "${loki}"}
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__all"}
    assert used == {variable["name"] for variable in dashboard["templating"]["list"]}


def test_promtool_can_parse_every_query(dashboard: Dashboard, tmp_path: Path) -> None:
    expressions = queries(dashboard, "prometheus")
    assert expressions
    records = [
        {"record": f"panel:query:{number}", "expr": as_run(expression)}
        for number, expression in enumerate(expressions)
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    promtool("check", path)


def test_every_metric_is_one_that_is_sent(dashboard: Dashboard) -> None:
    used = {
        name
        for expression in queries(dashboard, "prometheus")
        for name in re.findall(r"\b([a-z_]+)\{", expression)
    }
    assert used
    assert used <= METRICS


def test_what_each_process_tells_of_one_fact_is_not_added_up(dashboard: Dashboard) -> None:
    facts = {metric.prometheus for metric in CATALOGUE if metric.together == "newest"}
    summed = {
        name
        for expression in queries(dashboard, "prometheus")
        for name in re.findall(r"\bsum(?: by \([^)]*\))? ?\((\w+)\{", expression)
    }
    assert not summed & facts


# Of two workers: what panels show, by their legends.
WORKERS = """
litellm_spend_metric_total{job="l",instance="a",team="t1",team_alias="red"} 0+3x20
litellm_spend_metric_total{job="l",instance="b",team="t1",team_alias="red"} 0+6x20
litellm_remaining_team_budget_metric{job="l",instance="a",team="t1",team_alias="red"} 40x20
litellm_remaining_team_budget_metric{job="l",instance="b",team="t1",team_alias="red"} 70x20
litellm_team_max_budget_metric{job="l",instance="a",team="t1",team_alias="red"} 100x20
litellm_team_max_budget_metric{job="l",instance="b",team="t1",team_alias="red"} 100x20
litellm_team_budget_remaining_hours_metric{job="l",instance="a",team="t1",team_alias="red"} 5x20
litellm_team_budget_remaining_hours_metric{job="l",instance="b",team="t1",team_alias="red"} 5x20
litellm_team_rate_limit_used_metric{job="l",instance="a",team="t1",rate_limit_type="requests"} 3x20
litellm_team_rate_limit_used_metric{job="l",instance="b",team="t1",rate_limit_type="requests"} 5x20
litellm_team_rate_limit_allowed_metric{job="l",instance="a",team="t1",rate_limit_type="requests"} 10x20
litellm_team_rate_limit_allowed_metric{job="l",instance="b",team="t1",rate_limit_type="requests"} 10x20
litellm_redis_spend_update_queue_size{job="l",instance="a"} 7x20
litellm_redis_spend_update_queue_size{job="l",instance="b"} 9x20
litellm_in_memory_spend_update_queue_size{job="l",instance="a"} 7x20
litellm_in_memory_spend_update_queue_size{job="l",instance="b"} 9x20
litellm_deployment_state{job="l",instance="a",api_provider="p",model_id="m"} 0x20
litellm_deployment_state{job="l",instance="b",api_provider="p",model_id="m"} 2x20
litellm_requests_hanging{job="l",instance="a",model="m"} 1x20
litellm_requests_hanging{job="l",instance="b",model="m"} 2x20
"""
SHOWN = {
    ("Spend", ""): 9 * 120,
    ("Spend by team", "{{team_alias}} {{team}}"): 9 * 120,
    ("Least left of a budget", ""): 0.4,
    ("Left of teams' budgets", "{{team_alias}} {{team}}"): 40,
    ("Share that is left", "team {{team_alias}} {{team}}"): 0.4,
    ("Hours to reset", "team {{team_alias}} {{team}}"): 5,
    ("Rate limits of callers, used", "team {{team_alias}} {{team}} {{rate_limit_type}}"): 0.5,
    ("Queues of spend", "Redis, spend"): 9,
    ("Queues of spend", "memory, spend"): 16,
    ("Deployments out", ""): 1,
    ("State of deployments", "{{api_provider}} {{litellm_model_name}} {{api_base}}"): 2,
    ("Hanging requests", ""): 3,
    ("Requests that hang", "{{model}}"): 3,
}


def test_panels_show_two_workers_as_one_service(tmp_path: Path) -> None:
    [path] = [file for file in FILES if file.stem == "litellm-spend-and-limits"]
    targets = {
        (panel["title"], target["legendFormat"]): as_run(target["expr"])
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    }
    given = [line.rpartition(" ") for line in WORKERS.strip().splitlines()]
    cases = [
        {
            # Without labels, so that there is one value or the test is wrong.
            "expr": f"max({targets[shown]}) == min({targets[shown]})",
            "eval_time": "8m",
            "exp_samples": [{"labels": "{}", "value": value}],
        }
        for shown, value in SHOWN.items()
    ]
    test = {
        "interval": "30s",
        "input_series": [{"series": series, "values": values} for series, _, values in given],
        "promql_expr_test": cases,
    }
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "30s", "tests": [test]}))
    promtool("test", file)


def test_logs_are_asked_for_by_service(dashboard: Dashboard) -> None:
    assert queries(dashboard, "loki") in ([], ['{service_name=~"$service"} |= "$search"'])


def as_run(expression: str) -> str:
    """The query with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "4m").replace("$job", ".+")


def promtool(verb: str, rules_file: Path) -> None:
    """``promtool check rules`` or ``promtool test rules``, which have to find nothing wrong."""
    result = subprocess.run(
        [str(binary("promtool")), verb, "rules", str(rules_file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
