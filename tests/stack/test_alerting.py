"""The rules, the two configurations and their rendering, held against promtool and amtool."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting import configs, durations, rules
from alerting.__main__ import main
from litellm_otel.catalogue import CATALOGUE
from tools.build import binary

ROOT = Path(__file__).resolve().parents[2]
# Those of LiteLLM's traffic; the collector's own are in test_collector_watching.py.
RULE_TESTS = sorted(
    path
    for path in (ROOT / "alerting" / "prometheus" / "tests").glob("*.yaml")
    if path.stem != "collector"
)
RUNBOOKS = ROOT / "docs" / "runbooks.md"
RULE_FILES = (rules.RULES, rules.LIMITS_RULES, rules.INTERNALS_RULES)


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(binary(name)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def shipped_rules() -> list[dict[str, Any]]:
    documents = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in RULE_FILES)
    return [
        rule for document in documents for group in document["groups"] for rule in group["rules"]
    ]


ALERTS = {rule["alert"]: rule for rule in shipped_rules() if "alert" in rule}


# Rules


def test_the_promised_alerts_are_there() -> None:
    severities = {name: alert["labels"]["severity"] for name, alert in ALERTS.items()}
    assert severities == {
        "LiteLLMHighErrorRate": "critical",
        "LiteLLMHighLatency": "warning",
        "LiteLLMDown": "critical",
        "LiteLLMBudgetNearlySpent": "warning",
        "LiteLLMRateLimitUsedUp": "warning",
        "LiteLLMDeploymentOut": "warning",
        "LiteLLMFallbacksFailing": "warning",
        "LiteLLMDatabaseFailing": "critical",
        "LiteLLMRedisFailing": "warning",
        "LiteLLMGuardrailFailing": "warning",
        "LiteLLMCallbackFailing": "warning",
        "LiteLLMLoggingBehind": "warning",
        "LiteLLMSpendQueueGrowing": "warning",
        "LiteLLMRequestsHanging": "warning",
        "LiteLLMEventLoopBlocked": "warning",
    }


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda path: path.stem)
def test_promtool_accepts_the_rules(file: Path) -> None:
    result = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", file)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rules_behave(path: Path) -> None:
    result = run("promtool", "test", "rules", path)
    assert result.returncode == 0, result.stdout + result.stderr


_TRAFFIC = ("high_error_rate", "high_latency", "down")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("litellm", "> 0.05", "> 0.3"),
        ("litellm", "> 0.05", "> 0.03"),
        ("litellm", "> 2 / 60", "> 0"),
        ("litellm", "> 2 / 60", "> 4 / 60"),
        ("litellm", "p95_rate5m > 2\n", "p95_rate5m > 5\n"),
        ("litellm", 'status=~"success|error"', 'status=~".+"'),
        ("litellm", "for: 5m", "for: 1m"),
        ("litellm", "for: 1m", "for: 0m"),
        ("litellm", "[2m]", "[30s]"),
        ("litellm", "[6h]", "[10m]"),
        (
            "litellm",
            "job, deployment_environment_name, k8s_cluster_name) (\n            present",
            "job) (\n            present",
        ),
        ("litellm", "        unless\n", "        and\n"),
        ("limits", "< 0.1", "< 0.04"),
        ("limits", "min by (job", "max by (job"),
        ("limits", "and on (job, instance, team, team_alias)", "and on (job, team, team_alias)"),
        (
            "limits",
            "present_over_time(litellm_team_budget_remaining_hours_metric[1d])",
            "vector(1)",
        ),
        ("limits", "and on (job, instance, model_id)", "and on (job, model_id)"),
        ("limits", "max5m < 1", "max5m < 4"),
        ("limits", "== bool 2", ">= bool 1"),
        ("limits", "          unless\n          sum", "          and\n          sum"),
        ("limits", "> 0.15", "> 0.25"),
        ("internals", "> 0.05", "> 0.03"),
        ("internals", "> 2 / 60", "> 0"),
        ("internals", '{state="open"}', ""),
        ("internals", '{status="error"}', '{status!="success"}'),
        ("internals", "min_over_time", "max_over_time"),
        ("internals", "> 0.1 *", "> 0.05 *"),
    ],
)
def test_a_changed_rule_fails_the_rule_tests(file: str, old: str, new: str, tmp_path: Path) -> None:
    text = rules.FILES[file].read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules" / f"{file}.yaml").write_text(text.replace(old, new), encoding="utf-8")
    said: list[str] = []
    for path in RULE_TESTS:
        if path.stem == file or (file == "litellm" and path.stem in _TRAFFIC):
            test = tmp_path / "tests" / path.name
            test.write_text(path.read_text(encoding="utf-8"))
            result = run("promtool", "test", "rules", test)
            said.append(result.stdout + result.stderr)
            if result.returncode != 0:
                break
    assert "FAILED" in said[-1]


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_shown_to_fire_and_to_stay_quiet(name: str) -> None:
    expected = [
        case["exp_alerts"]
        for path in RULE_TESTS
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for case in test.get("alert_rule_test", [])
        if case["alertname"] == name
    ]
    assert any(expected)
    assert not all(expected)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_where_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert set(alert["labels"]) == {"severity", "service"}
    annotations = alert["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    page, _, anchor = annotations["runbook_url"].partition("#")
    assert page == rules.RUNBOOK_URL
    headings = re.findall(r"^## (.+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in {heading.lower() for heading in headings}
    dashboards = "litellm-overview", "litellm-spend-and-limits"
    assert annotations["dashboard_url"].startswith(
        tuple(f"{rules.GRAFANA_URL}/d/{dashboard}?var-job=" for dashboard in dashboards)
    )


def test_the_rules_use_metrics_and_labels_that_are_sent() -> None:
    sent = {metric.prometheus: set(metric.attributes) for metric in CATALOGUE}
    text = "\n".join(
        re.sub(r"\b(?:by|on) \([^)]*\)", "", text)
        for rule in shipped_rules()
        for text in (rule["expr"], *rule.get("annotations", {}).values())
    )
    used = re.findall(r"(?<![:.\w])(litellm_[a-z_]+?)(?:_bucket)?\b(?:\{([^}]*)\})?", text)
    assert len(used) > 50
    for metric, matchers in used:
        labels = set(re.findall(r"(\w+)=~?", matchers))
        assert labels <= sent[metric], metric
    limits = next(each.buckets for each in CATALOGUE if "request_latency" in each.prometheus)
    assert 2.0 in limits, "p95 over 2 s is exact only with a bucket that ends there"


def test_the_rules_tell_series_apart_by_labels_that_are_sent() -> None:
    known = {label for metric in CATALOGUE for label in metric.attributes}
    known |= {"job", "instance", "deployment_environment_name", "k8s_cluster_name", "le"}
    for rule in shipped_rules():
        for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"]):
            assert set(labels.split(", ")) <= known, rule


# Rendering


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda path: path.stem)
def test_rendering_keeps_to_the_file(file: Path) -> None:
    assert yaml.safe_load(rules.render(file)) == yaml.safe_load(file.read_text(encoding="utf-8"))


def test_rendering_changes_durations_and_nothing_else() -> None:
    rendered = yaml.safe_load(rules.render(window="15s", hold="7s", interval="2s"))
    text = yaml.safe_dump(rendered)
    assert "[5m]" not in text
    assert "[2m]" not in text
    assert "[6h]" in text, "how long a service is remembered is not a window"
    for group in rendered["groups"]:
        assert group["interval"] == "2s"
        assert all(rule["for"] == "7s" for rule in group["rules"] if "alert" in rule)

    def without_durations(document: object) -> object:
        masked = re.sub(rf"\[{durations.DURATION}\]", "[_]", yaml.safe_dump(document))
        return re.sub(rf"(for|interval): {durations.DURATION}", r"\1: _", masked)

    shipped = yaml.safe_load(rules.RULES.read_text(encoding="utf-8"))
    assert without_durations(rendered) == without_durations(shipped)
    assert yaml.safe_load(rules.render()) == shipped


def test_rendered_rules_pass_promtool(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rules.render(window="15s", hold="5s", interval="2s"), encoding="utf-8")
    result = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_range_is_one_that_rendering_understands() -> None:
    for rule in shipped_rules():
        for text in (rule["expr"], *rule.get("annotations", {}).values()):
            assert text.count("[") == len(re.findall(rf"\[{durations.DURATION}\]", text)), text
            assert "offset" not in text


def test_links_lead_where_they_are_told_to() -> None:
    site = {"grafana_url": "https://grafana.example/", "runbook_url": "https://wiki/run"}
    for file in RULE_FILES:
        text = rules.render(file, **site)
        for rule in (rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]):
            if "alert" in rule:
                assert rule["annotations"]["runbook_url"].startswith("https://wiki/run#litellm")
                assert rule["annotations"]["dashboard_url"].startswith("https://grafana.example/d/")


def test_each_file_of_rules_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for name, path in rules.FILES.items():
        assert main(["rules", "--name", name]) == 0
        assert yaml.safe_load(capsys.readouterr().out) == yaml.safe_load(path.read_text())


@pytest.mark.parametrize("setting", ["window", "hold", "interval"])
@pytest.mark.parametrize("value", ["15", "15x", "", "-5s"])
def test_a_bad_duration_is_one_line(
    setting: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", f"--{setting}={value}"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"alerting: {setting}: {value!r} is not a duration; "
        "write a number and a unit, such as 15s or 5m\n"
    )


# Prometheus


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(configs.prometheus(rule_files=[rules.RULES]), encoding="utf-8")
    result = run("promtool", "check", "config", path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 rule files found" in result.stdout


def test_prometheus_is_configured_as_documented() -> None:
    shipped = yaml.safe_load(configs.PROMETHEUS.read_text(encoding="utf-8"))
    assert shipped["global"]["scrape_interval"] == "30s"
    assert shipped["storage"]["tsdb"]["out_of_order_time_window"] == "30m"
    jobs = {job["job_name"] for job in shipped["scrape_configs"]}
    assert jobs == {"prometheus", "otelcol-litellm", "alertmanager"}
    assert yaml.safe_load(configs.prometheus()) == shipped


def test_prometheus_takes_addresses_and_timing(tmp_path: Path) -> None:
    text = configs.prometheus(
        rule_files=[rules.RULES],
        alertmanagers=["127.0.0.1:19093"],
        targets={"otelcol-litellm": ["127.0.0.1:18888"], "alertmanager": []},
        interval="2s",
    )
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    result = run("promtool", "check", "config", path)
    assert result.returncode == 0, result.stdout + result.stderr
    document = yaml.safe_load(text)
    assert "127.0.0.1:19093" in yaml.safe_dump(document["alerting"])
    targets = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in document["scrape_configs"]
    }
    assert targets == {"prometheus": ["localhost:9090"], "otelcol-litellm": ["127.0.0.1:18888"]}
    assert document["global"]["evaluation_interval"] == "2s"


def test_an_unknown_scrape_job_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prometheus", "--target", "colector=a:1"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("alerting: targets: no scrape job 'colector'; there are prometheus, ")
    assert error.count("\n") == 1


# Alertmanager


@pytest.fixture
def alertmanager_config(tmp_path: Path) -> Path:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configs.alertmanager(templates=configs.TEMPLATES), encoding="utf-8")
    return path


def test_amtool_accepts_the_configuration(alertmanager_config: Path) -> None:
    for path in (configs.ALERTMANAGER, alertmanager_config):
        result = run("amtool", "check-config", path)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("service=litellm severity=critical alertname=LiteLLMHighErrorRate", "pagerduty,slack"),
        ("service=litellm severity=critical alertname=LiteLLMDown", "pagerduty,slack"),
        ("service=ai/gateway severity=critical deployment_environment_name=eu", "pagerduty,slack"),
        ("service=litellm severity=warning alertname=LiteLLMHighLatency", "slack"),
        ("service=litellm severity=info", "slack"),
        ("service=litellm", "slack"),
        ("severity=critical alertname=SomebodyElses", "slack"),
        ("alertname=Anything", "slack"),
    ],
)
def test_routes(labels: str, receivers: str, alertmanager_config: Path) -> None:
    result = run(
        "amtool",
        *("config", "routes", "test", f"--config.file={alertmanager_config}"),
        *(f"--verify.receivers={receivers}", *labels.split()),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.strip() == receivers


def test_alertmanager_holds_no_secret() -> None:
    text = configs.ALERTMANAGER.read_text(encoding="utf-8")
    assert not re.search(r"\b(routing_key|service_key|api_url|password|token):", text)
    assert text.count("_file: /etc/alertmanager/secrets/") == 2


def test_alertmanager_takes_addresses_and_timing() -> None:
    shipped = yaml.safe_load(configs.ALERTMANAGER.read_text(encoding="utf-8"))
    assert yaml.safe_load(configs.alertmanager()) == shipped
    rendered = configs.alertmanager(
        secrets="/run/secrets",
        templates="/t",
        pagerduty_url="http://127.0.0.1:1/v2/enqueue",
        group_wait="1s",
        group_interval="2s",
        repeat_interval="3h",
    )
    document = yaml.safe_load(rendered)
    assert document["templates"] == ["/t/*.tmpl"]
    assert rendered.count("_file: /run/secrets/") == 2
    assert set(re.findall(r"group_wait: (\S+)", rendered)) == {"1s"}
    assert document["route"]["group_interval"] == "2s"
    assert document["route"]["repeat_interval"] == "3h"
    for key in ("inhibit_rules",):
        assert document[key] == shipped[key]
    assert document["route"]["group_by"] == shipped["route"]["group_by"]


def test_an_incident_is_never_one_of_a_single_process() -> None:
    group_by = yaml.safe_load(configs.ALERTMANAGER.read_text(encoding="utf-8"))["route"]["group_by"]
    assert {"alertname", "service"} <= set(group_by)
    assert not {"instance", "model", "provider", "..."} & set(group_by)


def test_a_bad_timing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alertmanager", "--group-wait", "soon"]) == 2
    assert capsys.readouterr().err.startswith("alerting: group_wait: 'soon' is not a duration;")
