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
    linked = re.findall(r"/d/([\w-]+)\?", rules.RULES.read_text(encoding="utf-8"))
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
    assert uids == {"${prometheus}", "${loki}"}
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
    result = subprocess.run(
        [str(binary("promtool")), "check", "rules", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_metric_is_one_that_is_sent(dashboard: Dashboard) -> None:
    used = {
        name
        for expression in queries(dashboard, "prometheus")
        for name in re.findall(r"\b([a-z_]+)\{", expression)
    }
    assert used
    assert used <= METRICS


def test_logs_are_asked_for_by_service(dashboard: Dashboard) -> None:
    assert queries(dashboard, "loki") == ['{service_name=~"$service"} |= "$search"']


def as_run(expression: str) -> str:
    """The query with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "4m").replace("$job", ".+")
