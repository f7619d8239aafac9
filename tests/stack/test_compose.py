"""docker-compose.yml as Compose's own parser reads it, held against the files it puts together."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.build import binary

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
LITELLM = ROOT / "examples" / "litellm"
SERVICES = ["alertmanager", "collector", "grafana", "litellm", "loki", "prometheus"]


def parse(path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(binary("compose-check")), str(path)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    result = parse(COMPOSE)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, project: dict[str, Any]) -> dict[str, Any]:
    return {"name": request.param, **project["services"][request.param]}


def test_the_project_is_whole(project: dict[str, Any]) -> None:
    assert sorted(project["services"]) == SERVICES


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\nvolumes:\n  alertmanager:\n", "\nvolumes:\n"),
        ("    healthcheck:\n", "    healthchecks:\n"),
        ("loki: {condition: service_healthy}", "lokki: {condition: service_healthy}"),
        ('"127.0.0.1:4000:4000"', '"127.0.0.1:four:4000"'),
        ("  slack_api_url: {file:", "  slack_url: {file:"),
    ],
)
def test_the_parser_refuses_what_is_wrong(old: str, new: str, tmp_path: Path) -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "docker-compose.yml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    result = parse(path)
    assert result.returncode != 0
    assert result.stderr.startswith("compose-check: ")


# Every service


def test_images_are_pinned(service: dict[str, Any]) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_ports_are_on_the_loopback_interface(service: dict[str, Any]) -> None:
    assert service["ports"]
    assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}


def test_no_service_has_more_rights_than_it_needs(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert service["user"].split(":")[0] != "0"
    if service["name"] != "litellm":
        assert service["read_only"] is True


def test_services_are_watched(service: dict[str, Any]) -> None:
    # The collector's image holds nothing that a check could run.
    assert ("healthcheck" in service) is (service["name"] != "collector")


def test_what_is_mounted_is_there_and_read_only(service: dict[str, Any]) -> None:
    for volume in service.get("volumes", []):
        if volume["type"] == "bind":
            assert Path(volume["source"]).exists(), volume["source"]
            assert volume["read_only"] is True


def test_what_is_built_has_its_files(service: dict[str, Any]) -> None:
    if "build" not in service:
        return
    context = Path(service["build"]["context"])
    dockerfile = context / service["build"].get("dockerfile", "Dockerfile")
    text = dockerfile.read_text(encoding="utf-8")
    for name, value in service["build"]["args"].items():
        assert re.search(rf"^ARG {name}\b", text, re.MULTILINE)
        text = text.replace(f"${{{name}}}", value)
    for line in text.splitlines():
        if match := re.match(r"COPY (?!--from)(?:--\S+ )*(.+) \S+$", line):
            for source in match[1].split():
                assert (context / source).exists(), f"{dockerfile.name}: {line}"


# How they fit together


def test_versions_are_those_that_are_tested(project: dict[str, Any]) -> None:
    def required(folder: str, module: str) -> str:
        text = (ROOT / "tools" / folder / "go.mod").read_text(encoding="utf-8")
        match = re.search(rf"{re.escape(module)} v(\S+)", text)
        assert match
        return match[1]

    # Prometheus 3.15.0 is v0.315.0 as a Go module.
    major, minor, patch = required("prometheus", "github.com/prometheus/prometheus").split(".")
    prometheus = f"{minor[0]}.{int(minor[1:])}.{patch}"
    assert major == "0"
    images = {name: each["image"].partition(":")[2] for name, each in project["services"].items()}
    assert images["prometheus"] == f"v{prometheus}"
    alertmanager = required("alertmanager", "github.com/prometheus/alertmanager")
    assert images["alertmanager"] == f"v{alertmanager}"
    assert images["loki"] == required("loki", "github.com/grafana/loki/v3")


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_flags_are_known_to_the_program(name: str, project: dict[str, Any]) -> None:
    result = subprocess.run(
        [str(binary(name)), "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    known = set(re.findall(r"--(?:\[no-\])?([a-z][\w.-]*)", result.stdout + result.stderr))
    used = {flag[2:].partition("=")[0] for flag in project["services"][name]["command"]}
    assert used <= known


def test_prometheus_takes_writes_and_keeps_them_fifteen_days(project: dict[str, Any]) -> None:
    command = project["services"]["prometheus"]["command"]
    assert "--web.enable-remote-write-receiver" in command
    assert "--storage.tsdb.retention.time=15d" in command


def test_every_address_in_a_configuration_is_a_service(project: dict[str, Any]) -> None:
    prometheus = yaml.safe_load((ROOT / "alerting/prometheus/prometheus.yml").read_text())
    addresses = [
        target
        for section in (*prometheus["scrape_configs"], *prometheus["alerting"]["alertmanagers"])
        for config in section["static_configs"]
        for target in config["targets"]
    ]
    sources = yaml.safe_load(
        (ROOT / "dashboards/grafana/provisioning/datasources/litellm.yaml").read_text()
    )
    addresses += [source["url"] for source in sources["datasources"]]
    for each in project["services"].values():
        addresses += [
            value for value in each.get("environment", {}).values() if value.startswith("http://")
        ]
    hosts = {re.sub(r"^\w+://", "", address).partition(":")[0] for address in addresses}
    assert hosts - {"localhost", "127.0.0.1"} == {"collector", "prometheus", "alertmanager", "loki"}


def test_the_collectors_variables_are_ones_it_reads(project: dict[str, Any]) -> None:
    configs = (ROOT / "collector" / "config").glob("*.yaml")
    read = set(
        re.findall(r"\$\{(?:env|secret):([A-Z_]+)", "\n".join(path.read_text() for path in configs))
    )
    assert set(project["services"]["collector"]["environment"]) - read == {"GOMEMLIMIT"}


def test_lokis_variables_are_ones_it_reads(project: dict[str, Any]) -> None:
    text = (ROOT / "collector" / "backends" / "loki.yaml").read_text(encoding="utf-8")
    read = set(re.findall(r"\$\{(\w+)", text))
    loki = project["services"]["loki"]
    assert set(loki["environment"]) <= read
    assert "-config.expand-env=true" in loki["command"]
    assert loki["environment"]["LOKI_DATA_DIRECTORY"] in {
        each["target"] for each in loki["volumes"]
    }


def test_the_collector_keeps_its_queues_on_a_volume(project: dict[str, Any]) -> None:
    base = yaml.safe_load((ROOT / "collector/config/base.yaml").read_text(encoding="utf-8"))
    directory = base["setup"]["variables"]["LITELLM_OTELCOL_STORAGE_DIRECTORY"]["example"]
    volumes = {each["target"]: each["type"] for each in project["services"]["collector"]["volumes"]}
    assert volumes[directory] == "volume"


def test_grafana_finds_the_dashboards(project: dict[str, Any]) -> None:
    provider = yaml.safe_load(
        (ROOT / "dashboards/grafana/provisioning/dashboards/litellm.yaml").read_text()
    )
    folder = provider["providers"][0]["options"]["path"]
    mounts = {each["target"]: each for each in project["services"]["grafana"]["volumes"]}
    for dashboard in (ROOT / "dashboards" / "grafana").glob("*.json"):
        assert f"{folder}/{dashboard.name}" in mounts
    assert "/etc/grafana/provisioning" in mounts


# Secrets


def test_no_secret_is_in_the_file(project: dict[str, Any]) -> None:
    for each in project["services"].values():
        for name, value in each.get("environment", {}).items():
            if re.search(r"KEY|TOKEN|PASSWORD|SECRET", name) and not name.endswith("__FILE"):
                assert value == "", name


def test_every_secret_is_a_documented_file(project: dict[str, Any]) -> None:
    readme = (ROOT / "examples" / "secrets" / "README.md").read_text(encoding="utf-8")
    names = "".join(re.findall(r"^\| (`.*?) \|", readme, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", names)) == set(project["secrets"])
    used = {
        secret["source"]
        for each in project["services"].values()
        for secret in each.get("secrets", [])
    }
    assert used == set(project["secrets"])


def test_secrets_can_be_elsewhere(tmp_path: Path) -> None:
    result = parse(COMPOSE, LITELLM_OTEL_SECRETS=str(tmp_path))
    assert result.returncode == 0, result.stderr
    files = {Path(each["file"]).parent for each in json.loads(result.stdout)["secrets"].values()}
    assert files == {tmp_path}


def test_alertmanager_finds_its_secrets(project: dict[str, Any]) -> None:
    text = (ROOT / "alerting/alertmanager/alertmanager.yml").read_text(encoding="utf-8")
    wanted = set(re.findall(r"_file: (\S+)", text))
    targets = {each["target"] for each in project["services"]["alertmanager"]["secrets"]}
    assert wanted == targets


def test_git_ignores_secrets() -> None:
    folder = ROOT / "examples" / "secrets"
    patterns = (folder / ".gitignore").read_text(encoding="utf-8").split()
    assert patterns == ["*", "!.gitignore", "!README.md"]


# LiteLLM


def test_litellm_runs_under_the_literal_command(project: dict[str, Any]) -> None:
    command = project["services"]["litellm"]["command"]
    assert command[:3] == ["opentelemetry-instrument", "litellm", "--config"]
    mounts = {each["target"] for each in project["services"]["litellm"]["volumes"]}
    assert command[3] in mounts


def test_litellms_configuration_falls_back_between_two_providers(project: dict[str, Any]) -> None:
    text = (LITELLM / "config.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    models = {each["model_name"]: each["litellm_params"] for each in config["model_list"]}
    assert len({parameters["model"].partition("/")[0] for parameters in models.values()}) == 2
    for fallback in config["litellm_settings"]["fallbacks"]:
        for name, others in fallback.items():
            assert {name, *others} <= set(models)
    wanted = {name.lower() for name in re.findall(r"os\.environ/(\w+)", text)}
    assert wanted == {each["source"] for each in project["services"]["litellm"]["secrets"]}


def test_secrets_become_variables_and_the_program_takes_the_place_of_the_shell(
    tmp_path: Path,
) -> None:
    awkward = "a b'c\"d$e\\f=\u00fc"
    (tmp_path / "openai_api_key").write_text(awkward + "\n", encoding="utf-8")
    (tmp_path / "empty").write_text("")
    (tmp_path / "folder").mkdir()
    script = 'printf "%s|%s|%s" "$OPENAI_API_KEY" "${EMPTY-unset}" "$$"'
    process = subprocess.Popen(
        ["sh", LITELLM / "with-secrets.sh", "sh", "-c", script],
        env={"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output == f"{awkward}||{process.pid}"
