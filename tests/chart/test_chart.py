"""The chart: what helm makes of it for each set of values, and what Kubernetes would say to that."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import kubernetes_schemas
import pytest
import yaml

from alerting import rules
from tools.build import binary

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "litellm-otel-collector"
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
# The oldest that the chart says it runs on, and a recent one.
KUBERNETES = ["1.30", "1.36"]
CONFIGS = sorted(path.stem for path in (ROOT / "collector" / "config").glob("*.yaml"))

Manifest = dict[str, Any]


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(binary("helm")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def template(*arguments: str | Path, version: str = KUBERNETES[-1]) -> str:
    result = helm("template", "r", CHART, "--namespace=n", f"--kube-version={version}", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def manifests(*arguments: str | Path) -> list[Manifest]:
    return [each for each in yaml.safe_load_all(template(*arguments)) if each]


def one(documents: list[Manifest], kind: str, suffix: str = "") -> Manifest:
    found = [
        each
        for each in documents
        if each["kind"] == kind and each["metadata"]["name"].endswith(suffix)
    ]
    assert found, f"no {kind} among {[each['kind'] for each in documents]}"
    return found[0]


def workload(*arguments: str | Path) -> Manifest:
    documents = manifests(*arguments)
    return next(each for each in documents if each["kind"] in {"StatefulSet", "Deployment"})


def container(*arguments: str | Path) -> Manifest:
    return workload(*arguments)["spec"]["template"]["spec"]["containers"][0]


def environment(*arguments: str | Path) -> dict[str, Any]:
    return {
        each["name"]: each.get("value", each.get("valueFrom"))
        for each in container(*arguments)["env"]
    }


def error(*arguments: str | Path) -> str:
    result = helm("template", "r", CHART, f"--kube-version={KUBERNETES[-1]}", *arguments)
    assert result.returncode != 0, result.stdout
    return result.stderr


def kubeconform(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            str(binary("kubeconform")),
            *("-strict", "-summary", "-output=json"),
            *("-schema-location", kubernetes_schemas.location()),
        ],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# What is rendered is valid


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_lint(values: Path) -> None:
    result = helm("lint", "--strict", CHART, f"--values={values}")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_kubeconform_accepts_everything(values: Path, version: str) -> None:
    result = kubeconform(template(f"--values={values}", version=version))
    assert result.returncode == 0, result.stdout + result.stderr
    summary = json.loads(result.stdout)["summary"]
    assert summary["valid"] >= 6
    assert summary["invalid"] == summary["errors"] == summary["skipped"] == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("terminationGracePeriodSeconds: 60", "terminationGracePeriodSecond: 60"),
        ("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: long"),
        ("scrapeTimeout: 10s", "scrapeTimeOut: 10s"),
        ("for: 5m", "hold: 5m"),
    ],
)
def test_kubeconform_refuses_what_is_wrong(old: str, new: str) -> None:
    text = template(f"--values={CHART / 'ci' / 'all-backends-values.yaml'}")
    assert old in text
    assert kubeconform(text.replace(old, new)).returncode != 0


def test_the_cases_cover_every_kind_and_both_modes() -> None:
    kinds = {each["kind"] for case in CASES for each in manifests(f"--values={case}")}
    assert kinds == {
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PrometheusRule",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
        "StatefulSet",
    }


def test_a_packaged_chart_holds_its_files(tmp_path: Path) -> None:
    result = helm("package", CHART, f"--destination={tmp_path}")
    assert result.returncode == 0, result.stderr
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as opened:
        names = set(opened.getnames())
    for name in ("config/base.yaml", "rules/litellm.yaml"):
        assert f"litellm-otel-collector/files/{name}" in names
    assert not any("/ci/" in name for name in names)


def test_the_copies_in_the_chart_are_those_of_the_sources() -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "helm" / "sync.py", "--check"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert CONFIGS, "collector/config is empty"


# Values


def test_values_and_schema_have_the_same_keys() -> None:
    def keys(values: Any, schema: Any, path: str = "") -> list[str]:
        if schema.get("additionalProperties") is not False:
            return []
        wrong = [f"{path}{key}" for key in values.keys() ^ schema["properties"].keys()]
        for key in values.keys() & schema["properties"].keys():
            if isinstance(values[key], dict):
                wrong += keys(values[key], schema["properties"][key], f"{path}{key}.")
        return wrong

    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert keys(values, schema) == ["resources.claims"]


def test_every_value_is_in_the_readme() -> None:
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    table = [line for line in readme.splitlines() if line.startswith("| `")] + [readme]
    missing = [key for key in values if key != "global" and f"`{key}" not in "\n".join(table)]
    assert missing == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--set=replicas=2"], ["replicas", "not allowed"]),
        (["--set=backends.loki.endpoint=http://x"], ["backends/loki", "endpoint"]),
        (["--set=backends.loki.otlpEndpoint=loki:3100"], ["otlpEndpoint", "loki:3100"]),
        (["--set=mode=daemonset"], ["mode"]),
        (["--set=image.digest=abc"], ["digest"]),
        (["--set=service.ports.otlpGrpc=70000"], ["otlpGrpc"]),
        (["--set=config.files={base,promtheus}"], ["config.files", '"promtheus"']),
        (["--set=config.files={prometheus}"], ["config.files", '"base" is missing']),
        (["--set=resources.limits.memory=1Pi"], ["resources.limits.memory", '"1Pi"']),
        (["--set=autoscaling.enabled=true,autoscaling.maxReplicas=1"], ["autoscaling.maxReplicas"]),
        (
            ["--set=autoscaling.enabled=true,resources.requests.cpu=null"],
            ["autoscaling.targetCPUUtilizationPercentage", "resources.requests.cpu"],
        ),
        (
            ["--set=autoscaling.enabled=true,autoscaling.targetCPUUtilizationPercentage=0"],
            ["autoscaling.enabled"],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) and value[0].startswith("-") else "",
)
def test_a_wrong_value_is_named(arguments: list[str], names: list[str]) -> None:
    message = error(*arguments)
    for name in names:
        assert name in message


# What the pod is


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_the_pod_keeps_the_restricted_standard(values: Path) -> None:
    spec = workload(f"--values={values}")["spec"]["template"]["spec"]
    (only,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"]["readOnlyRootFilesystem"] is True
    assert only["securityContext"]["allowPrivilegeEscalation"] is False
    assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert not any("hostPath" in volume for volume in spec["volumes"])


def test_by_default_no_backend_is_on_and_no_token_is_mounted() -> None:
    variables = environment()
    unset = {"PROMETHEUS_REMOTE_WRITE_ENDPOINT", "LOKI_OTLP_ENDPOINT", "DD_API_KEY"}
    unset |= {"TRACES_OTLP_ENDPOINT", "TRACES_KEEP_PERCENT", "LITELLM_OTELCOL_TOKEN"}
    assert not unset & set(variables)
    pod = workload()["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["terminationGracePeriodSeconds"] == 60


def test_backends_become_the_collectors_variables() -> None:
    variables = environment(f"--values={CHART / 'ci' / 'all-backends-values.yaml'}")
    assert variables["PROMETHEUS_REMOTE_WRITE_ENDPOINT"].endswith("/api/v1/write")
    assert variables["LOKI_OTLP_ENDPOINT"] == "http://loki.monitoring:3100/otlp"
    assert variables["TRACES_OTLP_ENDPOINT"] == "http://tempo.monitoring:4318"
    assert variables["TRACES_KEEP_PERCENT"] == "10"
    assert variables["LITELLM_OTELCOL_TOKEN"] == {"secretKeyRef": {"name": "otlp", "key": "token"}}
    assert variables["DD_API_KEY"] == {"secretKeyRef": {"name": "datadog", "key": "api-key"}}
    assert variables["DD_SITE"] == "datadoghq.eu"


def test_every_variable_is_one_that_the_collector_reads() -> None:
    sources = [path.read_text() for path in (ROOT / "collector" / "config").glob("*.yaml")]
    read = set(re.findall(r"\$\{(?:env|secret):([A-Z_]+)", "\n".join(sources)))
    variables = set(environment(f"--values={CHART / 'ci' / 'all-backends-values.yaml'}"))
    assert variables - read == {"GOMEMLIMIT"}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("1Gi", "819MiB"), ("512Mi", "409MiB"), ("1.5Gi", "1228MiB"), ("2G", "1525MiB")],
)
def test_gomemlimit_is_a_share_of_the_limit(limit: str, expected: str) -> None:
    assert environment(f"--set=resources.limits.memory={limit}")["GOMEMLIMIT"] == expected


def test_without_a_limit_there_is_no_gomemlimit() -> None:
    assert "GOMEMLIMIT" not in environment("--set=resources.limits=null")


def test_every_config_is_mounted_and_given_in_order() -> None:
    documents = manifests(f"--values={CHART / 'ci' / 'all-backends-values.yaml'}")
    data = one(documents, "ConfigMap")["data"]
    files = [
        f"{name}.yaml"
        for name in ("base", "prometheus", "loki", "traces", "datadog", "debug", "extra")
    ]
    assert set(data) == set(files)
    arguments = one(documents, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments == [f"--config=/conf/{name}" for name in files]
    for name in files[:-1]:
        source = (ROOT / "collector" / "config" / name).read_text(encoding="utf-8")
        assert data[name].rstrip("\n") == source.rstrip("\n")


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_the_collector_accepts_what_the_pod_gives_it(values: Path, tmp_path: Path) -> None:
    documents = manifests(f"--values={values}")
    for name, text in one(documents, "ConfigMap")["data"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    given = container(f"--values={values}")
    variables = {
        each["name"]: each.get("value", "0123456789abcdef0123456789abcdef") for each in given["env"]
    }
    variables["LITELLM_OTELCOL_STORAGE_DIRECTORY"] = str(tmp_path / "storage")
    (tmp_path / "storage").mkdir()
    configs = [each for each in given["args"] if each.startswith("--config=")]
    result = subprocess.run(
        [
            str(binary("otelcol-litellm-core")),
            "validate",
            *(each.replace("/conf/", f"{tmp_path}/") for each in configs),
        ],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_pods_restart_for_a_changed_config_and_for_nothing_else() -> None:
    def pod(*arguments: str) -> Manifest:
        return workload(*arguments)["spec"]["template"]["metadata"]

    changed = pod("--set=config.extra.processors.memory_limiter.limit_percentage=70")
    assert changed["annotations"] != pod()["annotations"]
    assert pod("--set=service.type=NodePort,replicaCount=5") == pod()
    assert "helm.sh/chart" not in pod()["labels"]


def test_queues_are_on_a_volume_that_stays() -> None:
    spec = workload()["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    mounts = {each["name"]: each["mountPath"] for each in container()["volumeMounts"]}
    assert mounts[claim["metadata"]["name"]] == environment()["LITELLM_OTELCOL_STORAGE_DIRECTORY"]
    assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}


def test_services_lead_to_the_ports_of_the_pod() -> None:
    documents = manifests()
    names = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert sorted(names.values()) == [4317, 4318, 8888, 13133]
    labels = one(documents, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    for service in (each for each in documents if each["kind"] == "Service"):
        assert service["spec"]["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(names)
    headless = one(documents, "Service", "-headless")
    assert headless["spec"]["clusterIP"] == "None"
    assert one(documents, "StatefulSet")["spec"]["serviceName"] == headless["metadata"]["name"]


def test_an_autoscaler_owns_the_number_of_replicas() -> None:
    documents = manifests(f"--values={CHART / 'ci' / 'autoscaling-values.yaml'}")
    assert "replicas" not in one(documents, "StatefulSet")["spec"]
    target = one(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == one(documents, "StatefulSet")["metadata"]["name"]


# Rules


@pytest.mark.parametrize(
    ("suffix", "file"),
    [
        ("-collector", rules.RULES),
        ("-limits", rules.LIMITS_RULES),
        ("-internals", rules.INTERNALS_RULES),
        ("-self", rules.COLLECTOR_RULES),
    ],
)
def test_the_rules_are_the_shipped_ones_but_for_their_links(suffix: str, file: Path) -> None:
    values = CHART / "ci" / "all-backends-values.yaml"
    rendered = one(manifests(f"--values={values}"), "PrometheusRule", suffix)["spec"]
    expected = rules.render(
        file,
        grafana_url="https://grafana.example.com",
        runbook_url="https://wiki.example.com/runbooks",
    )
    assert rendered == yaml.safe_load(expected)


def test_without_a_grafana_no_page_links_to_one() -> None:
    documents = manifests("--set=prometheusRule.enabled=true")
    rendered = one(documents, "PrometheusRule", "-collector")["spec"]
    expected = yaml.safe_load(rules.render())
    for group in expected["groups"]:
        for rule in group["rules"]:
            rule.get("annotations", {}).pop("dashboard_url", None)
    assert rendered == expected


def test_notes_say_where_to_send_and_what_is_off(tmp_path: Path) -> None:
    # Helm shows notes only with a cluster; so here they go through its engine as a manifest.
    chart = tmp_path / CHART.name
    shutil.copytree(CHART, chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "files" / "notes")
    (chart / "templates" / "notes.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\n"
        'data:\n  text: |-\n{{ tpl (.Files.Get "files/notes") . | indent 4 }}\n'
    )

    def notes(*arguments: str | Path) -> str:
        show = ("--show-only=templates/notes.yaml", f"--kube-version={KUBERNETES[-1]}")
        result = helm("template", "r", chart, "--namespace=n", *show, *arguments)
        assert result.returncode == 0, result.stderr
        return yaml.safe_load(result.stdout)["data"]["text"]

    text = notes()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://r-litellm-otel-collector.n:4318" in text
    assert text.count("off (backends.") == 4
    assert "WARNING" not in text
    text = notes(f"--values={CHART / 'ci' / 'all-backends-values.yaml'}", "--set=mode=deployment")
    assert "off (backends." not in text
    assert "key from secret datadog" in text
    assert "authorization=Bearer%20<the token in secret otlp>" in text
    assert text.count("[WARNING]") == 1
