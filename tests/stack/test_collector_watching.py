"""The collector watching itself: rules and dashboard use what the live binary has, and fire."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from alerting import rules
from stack.components.collector import Collector
from stack.components.prometheus import Prometheus
from stack.drill.load import Load, post
from stack.paths import ROOT, RunDirectory
from stack.ports import free_port
from stack.standins.otlp import OtlpSink
from stack.waiting import until
from tools.build import binary

RULES = rules.COLLECTOR_RULES
RULE_TEST = ROOT / "alerting" / "prometheus" / "tests" / "collector.yaml"
DASHBOARD = ROOT / "dashboards" / "grafana" / "otelcol-litellm.json"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
SELECTOR = re.compile(r"(?<![:\w])(otelcol_[a-z_]+)(?:\{([^}]*)\})?")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary("promtool"), *arguments], capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


# Rules


def test_the_rules_behave() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    done = promtool("test", "rules", RULE_TEST)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("== 0\n", "== 1\n"),
        ("for: 2m", "for: 0m"),
        ("[15m]) > 2", "[15m]) > 0"),
        (", data_type) (\n            label_replace(rate(otelcol_exporter_sent", ") ("),
        ("min_over_time", "max_over_time"),
        ("        unless\n", "        and\n"),
        ("> 0.8", "> 0.7"),
        ("> 0.8", "> 0.9"),
        ("< 2 *", "< 1 *"),
        ("< 2 *", "< 3 *"),
        ('{receiver!~".+_queue"}', ""),
        ("offset 15m", "offset 1m"),
        ("            or\n            0 * exporter", "            and\n            0 * exporter"),
        ("(otelcol-litellm|litellm-otel-collector)", "otelcol-litellm"),
    ],
)
def test_a_changed_rule_fails_the_rule_tests(old: str, new: str, tmp_path: Path) -> None:
    text = RULES.read_text(encoding="utf-8")
    assert old in text
    if old.startswith(", data_type"):
        new += "\n            label_replace(rate(otelcol_exporter_sent"
    for folder in ("rules", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "rules" / RULES.name).write_text(text.replace(old, new), encoding="utf-8")
    test = tmp_path / "tests" / RULE_TEST.name
    test.write_text(RULE_TEST.read_text(encoding="utf-8"))
    done = promtool("test", "rules", test)
    assert done.returncode != 0
    assert "FAILED" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tested_both_ways_and_says_what_to_do(name: str, dashboard: Any) -> None:
    expected = [
        case["exp_alerts"]
        for test in yaml.safe_load(RULE_TEST.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert any(expected)
    assert name == "LiteLLMCollectorBackendStuck" or not all(expected)
    alert = ALERTS[name]
    assert set(alert["labels"]) == {"severity", "service"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page == rules.RUNBOOK_URL
    headings = re.findall(r"^## (.+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in {heading.lower() for heading in headings}
    link = f"{rules.GRAFANA_URL}/d/{dashboard['uid']}?var-job="
    assert alert["annotations"]["dashboard_url"].startswith(link)


# The dashboard


def test_panels_do_not_overlap_and_choose_their_data_source(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        ), (one, other)
    text = json.dumps(dashboard)
    assert set(re.findall(r'"uid": "(\$\{\w+\})"', text)) == {"${prometheus}"}
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__all"}
    assert used == {variable["name"] for variable in dashboard["templating"]["list"]}
    assert all(panel["title"] and panel["description"] for panel in panels)


def test_promtool_can_parse_every_query(dashboard: dict[str, Any], tmp_path: Path) -> None:
    records = [
        {"record": f"panel:query:{number}", "expr": filled_in(expression)}
        for number, expression in enumerate(queries(dashboard))
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


# The live binary


@pytest.fixture
def troubled(own_run: RunDirectory, tmp_path: Path) -> Any:
    """A collector that has accepted, delivered, refused, lost and not delivered yet."""
    changes = tmp_path / "changes.yaml"
    queue = {"queue_size": 1000, "batch": {"min_size": 1, "max_size": 1}}
    changes.write_text(
        yaml.safe_dump(
            {
                "exporters": {"otlp_http/prometheus_queue": {"sending_queue": queue}},
                "processors": {"tail_sampling": {"decision_wait": "1s"}},
            }
        )
    )
    # Traces are taken, logs refused for good; metrics wait for a Prometheus that isn't there.
    with (
        OtlpSink() as sink,
        Collector(
            run=own_run,
            configs=["task:prometheus", changes],
            prometheus=f"http://127.0.0.1:{free_port()}/api/v1/write",
            loki=f"{sink.url}/nowhere",
            env={"TRACES_OTLP_ENDPOINT": sink.url, "TRACES_KEEP_PERCENT": "100"},
        ) as collector,
    ):
        load = Load(collector.endpoint)
        load.send([1])
        answers = [
            post(collector.endpoint, "metrics", load.metrics([number], {})).status_code
            for number in range(2, 12)
        ]
        assert 503 in answers, answers
        until(lambda: sink.spans, what="the trace")
        yield collector


def exposed(collector: Collector) -> dict[str, set[str]]:
    """The names of its metrics, as Prometheus stores them, each with the names of its labels."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(collector.metrics()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_of_the_rules_and_the_dashboard_is_one_it_has(
    troubled: Collector, dashboard: dict[str, Any]
) -> None:
    text = "\n".join(
        [*(rule["expr"] for rule in all_rules()), *(filled_in(each) for each in queries(dashboard))]
    )
    used = {
        name: set(re.findall(r"(\w+)=?[~=!]", labels or ""))
        for name, labels in SELECTOR.findall(text)
    }
    assert len(used) > 20

    # What happens to one signal here has the same name, but for the signal, when it happens to
    # another.
    def signalless(name: str) -> str:
        return re.sub("spans|metric_points|log_records", "SIGNAL", name)

    def missing() -> set[str]:
        live: dict[str, set[str]] = {}
        for name, labels in exposed(troubled).items():
            live.setdefault(signalless(name), {"job", "instance"}).update(labels)
        return {
            name
            for name, labels in used.items()
            if signalless(name) not in live or not labels <= live[signalless(name)]
        }

    until(lambda: not missing(), what="all metrics", interval=1)


def test_alerts_fire_on_a_real_prometheus_that_scrapes_it(
    troubled: Collector, own_run: RunDirectory
) -> None:
    file = own_run.write(
        "collector-rules.yaml",
        rules.render(RULES, window="10s", hold="1s", interval="1s"),
    )
    with Prometheus(
        run=own_run,
        collector_metrics=troubled.metrics_address,
        changes={"rule_files": [str(file)]},
    ) as prometheus:
        fired: set[str] = set()

        def have_fired(*alerts: str) -> bool:
            # Not all at once: what is lost once is told of for ten seconds.
            fired.update(
                alert["labels"]["alertname"] + " " + alert["labels"].get("exporter", "")
                for alert in prometheus.alerts()
                if alert["state"] == "firing"
            )
            return fired.issuperset(alerts)

        expected = {
            "LiteLLMCollectorBackendStuck otlp_http/prometheus_queue",
            "LiteLLMCollectorQueueFilling otlp_http/prometheus_queue",
            "LiteLLMCollectorLosing otlp_http/loki",
        }
        until(lambda: have_fired(*expected), what=str(expected))
        troubled.stop()
        fired.clear()
        until(lambda: have_fired("LiteLLMCollectorDown "), what="down")


def test_health_says_when_it_is_ready_and_when_it_is_not(own_run: RunDirectory) -> None:
    collector = Collector(run=own_run, configs=["base"])
    with collector:
        answer = httpx.get(collector.health_url, timeout=30, trust_env=False)
        assert answer.status_code == 200
        assert answer.json()["status"] == "Server available"
        collector.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(collector.health_url, timeout=30, trust_env=False)


def all_rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def filled_in(expression: str) -> str:
    """The query with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "4m").replace("$job", ".+")
