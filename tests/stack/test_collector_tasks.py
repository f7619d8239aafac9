"""The collector's tasks, one flag each, on the real binary: complete or a clear line saying what
is missing, as recorded, and carrying every signal to where the task says."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import web

from stack.components.collector import CONFIGS, Collector, Flavour
from stack.components.loki import Loki
from stack.components.prometheus import Prometheus
from stack.drill.load import ITEM, Load, post
from stack.paths import ROOT, RunDirectory
from stack.ports import free_port
from stack.service import clean_environment
from stack.standins.datadog import Datadog
from stack.standins.otlp import OtlpSink
from stack.standins.server import StandIn
from stack.waiting import until
from tests.certificates import Authority
from tools.build import binary

GOLDEN = ROOT / "collector" / "testdata" / "effective"
TASKS = sorted(path.stem for path in (CONFIGS / "tasks").glob("*.yaml"))
CORE: Flavour = "otelcol-litellm-core"
FULL: Flavour = "otelcol-litellm"
NEEDS_FULL = {"agent", "datadog-exporter", "edge-fleet", "quickstart"}
# Their exporter asks Datadog whether the key is good, even to be validated.
ASKING_DATADOG = {"datadog-exporter", "quickstart"}
KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "a-token-of-the-gateway"
PROCESSES = 30
"""That send to a fleet."""
# The exporter of the quickstart would ask the cloud's metadata service who it is.
NO_CLOUD = {"AWS_EC2_METADATA_DISABLED": "true"}

COMPLETE: dict[str, Mapping[str, str]] = {
    "datadog-direct": {"DD_API_KEY": KEY},
    "datadog-exporter": {"DD_API_KEY": KEY, "DD_HOSTNAME": "here"},
    "prometheus": {
        "PROMETHEUS_REMOTE_WRITE_ENDPOINT": "http://prometheus:9090/api/v1/write",
        "LOKI_OTLP_ENDPOINT": "http://loki:3100/otlp",
        "TRACES_OTLP_ENDPOINT": "http://tempo:4318",
    },
    "hybrid": {
        "PROMETHEUS_REMOTE_WRITE_ENDPOINT": "http://prometheus:9090/api/v1/write",
        "DD_API_KEY": KEY,
    },
    "agent": {
        "LITELLM_LOG_FILES": "/var/log/litellm/*.log",
        "PROMETHEUS_REMOTE_WRITE_ENDPOINT": "https://mimir.example.com/api/v1/push",
        "PROMETHEUS_TENANT": "litellm",
        "PROMETHEUS_USERNAME": "litellm",
        "PROMETHEUS_PASSWORD": "secret",
        "LOKI_OTLP_ENDPOINT": "https://loki.example.com/otlp",
        "LOKI_TENANT": "litellm",
        "LOKI_BEARER_TOKEN": "secret",
    },
    "edge": {"GATEWAY_OTLP_ENDPOINT": "http://gateway:4318", "GATEWAY_TOKEN": "secret"},
    "edge-fleet": {"GATEWAY_DNS_NAME": "gateways", "GATEWAY_PLAINTEXT": "true"},
    "gateway": {
        "LITELLM_OTELCOL_TOKEN": "secret",
        "PROMETHEUS_REMOTE_WRITE_ENDPOINT": "http://prometheus:9090/api/v1/write",
        "LOKI_OTLP_ENDPOINT": "http://loki:3100/otlp",
        "TRACES_OTLP_ENDPOINT": "http://tempo:4318",
        "TRACES_KEEP_PERCENT": "10",
        "LITELLM_OTELCOL_REMOVE_CONTENT": "true",
        "DD_API_KEY": KEY,
    },
    "quickstart": {"DD_API_KEY": KEY},
}
MISSING: dict[str, list[str]] = {
    "datadog-direct": [
        "DD_API_KEY (or DD_API_KEY_FILE), or DD_AGENT_OTLP_ENDPOINT has to be set for this task"
    ],
    "datadog-exporter": [
        "DD_API_KEY (or DD_API_KEY_FILE), or DD_AGENT_OTLP_ENDPOINT has to be set for this task"
    ],
    "prometheus": [
        "PROMETHEUS_REMOTE_WRITE_ENDPOINT, or PROMETHEUS_OTLP_ENDPOINT, or "
        "PROMETHEUS_SCRAPE_ENDPOINT has to be set for this task, such as "
        "http://prometheus:9090/api/v1/write"
    ],
    "hybrid": [
        "PROMETHEUS_REMOTE_WRITE_ENDPOINT, or",
        "DD_API_KEY (or DD_API_KEY_FILE), or DD_AGENT",
    ],
    "agent": ["or LOKI_OTLP_ENDPOINT, or TRACES_OTLP_ENDPOINT, or DD_API_KEY (or DD_API_KEY_FILE)"],
    "edge": ["GATEWAY_OTLP_ENDPOINT has to be set for this task, such as https://gateway:4318"],
    "edge-fleet": [
        "GATEWAY_DNS_NAME has to be set for this task, such as otelcol-litellm-headless"
    ],
    "gateway": [
        "LITELLM_OTELCOL_TOKEN (or LITELLM_OTELCOL_TOKEN_FILE), or "
        "LITELLM_OTELCOL_TLS_CLIENT_CA_FILE has to be set for this task",
        "PROMETHEUS_REMOTE_WRITE_ENDPOINT, or",
    ],
    "quickstart": ["DD_API_KEY (or DD_API_KEY_FILE) has to be set for this task"],
}


class AgentIntake(StandIn):
    """What Datadog's own exporter sends to, as far as which paths are asked."""

    name = "Datadog's intake"

    def __init__(self) -> None:
        super().__init__()
        self.paths: set[str] = set()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.route("*", "/{path:.*}", self._take)]

    async def _take(self, request: web.Request) -> web.Response:
        if request.headers.get("DD-API-KEY", "") == KEY:
            self.paths.add(request.path)
        return web.json_response({}, status=202)

    def state(self) -> dict[str, Any]:
        return {"paths": sorted(self.paths)}

    def forget(self) -> None:
        self.paths.clear()


def otelcol(
    task: str, storage: Path, env: Mapping[str, str], *command: str
) -> subprocess.CompletedProcess[str]:
    """A command of the collector's that ends by itself."""
    settings = {
        "LITELLM_OTELCOL_CONFIG_DIRECTORY": str(CONFIGS),
        "LITELLM_OTELCOL_STORAGE_DIRECTORY": str(storage),
        **NO_CLOUD,
        **env,
    }
    return subprocess.run(
        [binary(FULL if task in NEEDS_FULL else CORE), *command, "--config", f"task:{task}"],
        env=clean_environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_task_is_looked_at() -> None:
    assert set(TASKS) == set(COMPLETE) == set(MISSING)
    assert len((CONFIGS / "tasks" / "quickstart.yaml").read_text().splitlines()) <= 17


def test_every_variable_and_every_task_is_documented() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in CONFIGS.rglob("*.yaml"))
    read = set(re.findall(r"\$\{(?:env|secret):([A-Z_]+)", text))
    readme = (ROOT / "collector" / "README.md").read_text(encoding="utf-8")
    table = "\n".join(line.split(" | ")[0] for line in readme.splitlines() if line[:3] == "| `")
    listed = set(re.findall(r"`([A-Z_]+)`", table)) - {"LITELLM_OTELCOL_CONFIG_DIRECTORY"}
    assert listed == read
    secrets = set(re.findall(r"\$\{secret:([A-Z_]+)", text))
    marked = "\n".join(line for line in table.splitlines() if "(secret)" in line)
    assert set(re.findall(r"`([A-Z_]+)`", marked)) == secrets
    operators = (ROOT / "docs" / "collector.md").read_text(encoding="utf-8")
    assert all(f"| [`{task}`](#" in operators for task in TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_what_is_missing_is_said_in_one_line_each(task: str, tmp_path: Path) -> None:
    done = otelcol(task, tmp_path / "storage", {})
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if "has to be set" in line]
    assert len(said) == len(MISSING[task]), done.stderr
    for line, expected in zip(said, MISSING[task], strict=True):
        assert expected in line
    assert not (tmp_path / "storage").exists()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_valid_and_the_recorded_one(task: str, tmp_path: Path) -> None:
    """Run with UPDATE_GOLDEN=1 to record what is effective now."""
    storage = tmp_path / "storage"
    if task not in ASKING_DATADOG:
        done = otelcol(task, storage, COMPLETE[task], "validate")
        assert done.returncode == 0, done.stderr
    done = otelcol(task, storage, COMPLETE[task], "print-config")
    assert done.returncode == 0, done.stderr
    effective = done.stdout.replace(str(storage), "/var/lib/otelcol-litellm")
    assert KEY not in effective
    assert "secret\n" not in effective
    golden = GOLDEN / f"task-{task}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(effective, encoding="utf-8")
    assert effective == golden.read_text(encoding="utf-8")


def test_an_unknown_task_is_one_line_with_those_there_are(tmp_path: Path) -> None:
    done = otelcol("gatway", tmp_path, {})
    assert done.returncode == 1
    assert f"no such task in {CONFIGS}/tasks: choose from agent, datadog-direct," in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_task_of_ones_own_and_a_file_on_top(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"compose: [{CONFIGS}/base.yaml, {CONFIGS}/debug.yaml]\n")
    top = tmp_path / "top.yaml"
    top.write_text("exporters: {debug: {verbosity: basic}}\n")
    done = otelcol(str(mine), tmp_path / "storage", {}, "print-config", "--config", str(top))
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["exporters"]) == {"nop", "debug"}


@pytest.mark.parametrize("task", ["datadog-direct", "hybrid"])
def test_secrets_come_from_files_as_well(task: str, tmp_path: Path) -> None:
    """A key of digits alone is one that YAML takes for a number."""
    key = "1" * 32
    file = tmp_path / "key"
    file.write_text(f"{key}\n")
    complete = dict(COMPLETE[task])
    del complete["DD_API_KEY"]
    with_file = {**complete, "DD_API_KEY_FILE": str(file)}
    done = otelcol(task, tmp_path / "storage", with_file, "validate")
    assert done.returncode == 0, done.stderr
    for wrong, line in (
        ({**with_file, "DD_API_KEY": key}, "DD_API_KEY and DD_API_KEY_FILE are both set"),
        ({**complete, "DD_API_KEY_FILE": "/nowhere"}, 'DD_API_KEY_FILE: "/nowhere" can\'t be read'),
    ):
        done = otelcol(task, tmp_path / "storage", wrong)
        assert done.returncode == 1
        [said] = done.stderr.splitlines()
        assert line in said
        assert key not in said


# Every signal, end to end


def test_datadog_direct(own_run: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    with (
        Datadog(api_key=KEY) as datadog,
        Collector(
            run=own_run,
            configs=["task:datadog-direct"],
            datadog=datadog.url,
            env={"DD_API_KEY_FILE": str(file)},
        ) as collector,
    ):
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: len(datadog.spans) == len(datadog.logs) == 5, what="signals")
        until(lambda: datadog.total("load.requests") == 5, what="metrics")
        assert datadog.failures == []


def test_prometheus(own_run: RunDirectory) -> None:
    with (
        OtlpSink() as tempo,
        Loki(run=own_run) as loki,
        Prometheus(run=own_run) as prometheus,
        Collector(
            run=own_run,
            configs=["task:prometheus"],
            prometheus=prometheus.remote_write_url,
            loki=loki.otlp_endpoint,
            env={"TRACES_OTLP_ENDPOINT": tempo.url},
        ) as collector,
    ):
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: len(tempo.spans) == 5, what="traces")
        until(lambda: prometheus.total("load_requests_total") == 5, what="metrics")
        lines = until(
            lambda: len(found := loki.query('{service_name="litellm"}')) == 5 and found,
            what="logs",
        )
        assert {line.text for line in lines} == {f"line {number}" for number in range(1, 6)}
        # What is an index label is few and fixed; everything else is beside the line.
        assert loki.label_names() == ["service_name"]
        assert {line.labels["service_instance_id"] for line in lines} == {"load-1"}
        assert tempo.metrics == tempo.logs == []


def test_hybrid(own_run: RunDirectory) -> None:
    with (
        Datadog(api_key=KEY) as datadog,
        Prometheus(run=own_run) as prometheus,
        Collector(
            run=own_run,
            configs=["task:hybrid"],
            prometheus=prometheus.remote_write_url,
            datadog=datadog.url,
            datadog_key=KEY,
        ) as collector,
    ):
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: len(datadog.spans) == len(datadog.logs) == 5, what="signals")
        until(lambda: datadog.total("load.requests") == 5, what="deltas")
        until(lambda: prometheus.total("load_requests_total") == 5, what="metrics")
        assert "loki: off, LOKI_OTLP_ENDPOINT is not set" in collector.log
        assert datadog.failures == []


@pytest.mark.timeout(900)  # the full flavour may have to be built first
def test_agent(own_run: RunDirectory, tmp_path: Path) -> None:
    log_file = tmp_path / "litellm.log"
    log_file.write_text('{"message": "before", "level": "INFO"}\n')
    with (
        OtlpSink() as backend,
        Prometheus(run=own_run) as prometheus,
        Collector(
            run=own_run,
            flavour=FULL,
            configs=["task:agent", CONFIGS / "debug.yaml"],
            prometheus=prometheus.remote_write_url,
            env={
                "TRACES_OTLP_ENDPOINT": backend.url,
                "LITELLM_LOG_FILES": f"{tmp_path}/*.log",
            },
        ) as collector,
    ):
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: len(backend.spans) == 5, what="traces")
        until(lambda: prometheus.total("load_requests_total") == 5, what="metrics")
        host = until(
            lambda: prometheus.series('{__name__="system_memory_usage_bytes"}'),
            what="the host's metrics",
        )
        assert {series["job"] for series in host} == {"host"}
        assert all(series["instance"] for series in host)
        until(lambda: "Body: Str(before)" in collector.log, what="the log file")


def test_edge_to_gateway_over_mutual_tls(own_run: RunDirectory, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server = authority.issue("server", "localhost", "127.0.0.1")
    client = authority.issue("client", "edge")
    with (
        Datadog(api_key=KEY) as datadog,
        Prometheus(run=own_run) as prometheus,
        Collector(
            run=own_run,
            configs=["task:gateway"],
            prometheus=prometheus.remote_write_url,
            datadog=datadog.url,
            datadog_key=KEY,
            env={
                "LITELLM_OTELCOL_TOKEN": TOKEN,
                "LITELLM_OTELCOL_TLS_CERT_FILE": str(server.certificate),
                "LITELLM_OTELCOL_TLS_KEY_FILE": str(server.key),
                "LITELLM_OTELCOL_TLS_CLIENT_CA_FILE": str(authority.certificate),
            },
            name="gateway",
        ) as gateway,
        Collector(
            run=own_run,
            configs=["task:edge"],
            env={
                "GATEWAY_OTLP_ENDPOINT": gateway.endpoint.replace("http://", "https://"),
                "GATEWAY_TOKEN": TOKEN,
                "GATEWAY_CA_FILE": str(authority.certificate),
                "GATEWAY_CERT_FILE": str(client.certificate),
                "GATEWAY_KEY_FILE": str(client.key),
            },
            name="edge",
        ) as edge,
    ):
        Load(edge.endpoint).send(range(1, 6))
        until(lambda: len(datadog.spans) == len(datadog.logs) == 5, what="signals")
        until(lambda: datadog.total("load.requests") == 5, what="deltas")
        until(lambda: prometheus.total("load_requests_total") == 5, what="metrics")
        assert datadog.failures == []


@pytest.mark.timeout(900)  # the full flavour may have to be built first
def test_a_fleet_of_gateways_gets_each_trace_and_each_process_whole(
    own_run: RunDirectory, tmp_path: Path
) -> None:
    def gateway(sink: OtlpSink, name: str) -> Collector:
        return Collector(
            run=own_run,
            configs=["base", "forward"],
            env={"GATEWAY_OTLP_ENDPOINT": sink.url, "LITELLM_OTELCOL_TOKEN": TOKEN},
            name=name,
        )

    with (
        OtlpSink() as one,
        OtlpSink() as other,
        gateway(one, "one") as first,
        gateway(other, "other") as second,
    ):
        # Without a name server here, the list stands in for what one would answer.
        hosts = [each.grpc_endpoint.removeprefix("http://") for each in (first, second)]
        listed = tmp_path / "listed.yaml"
        resolver = {"resolver": {"dns": None, "static": {"hostnames": hosts}}}
        listed.write_text(
            yaml.safe_dump(
                {"exporters": {f"loadbalancing/{each}": resolver for each in ("traces", "metrics")}}
            )
        )
        with Collector(
            run=own_run,
            flavour=FULL,
            configs=["task:edge-fleet", listed],
            env={
                "GATEWAY_DNS_NAME": "gateways",
                "GATEWAY_PLAINTEXT": "true",
                "GATEWAY_TOKEN": TOKEN,
            },
            name="edge",
        ) as edge:
            # By a hash, so that with fewer all might go to one.
            loads = [Load(edge.endpoint, instance=f"load-{each}") for each in range(PROCESSES)]
            for load in loads:
                request = load.spans(range(1, 6), {}, "")
                scope = request.resource_spans[0].scope_spans[0]
                for _ in range(2):  # the spans of one trace in two requests
                    post(edge.endpoint, "traces", request).raise_for_status()
                    for span in scope.spans:
                        span.span_id = os.urandom(8)
                for upto in (3, 6):
                    load.send([upto])
            until(
                lambda: len(one.spans) + len(other.spans) == PROCESSES * 12,
                what="spans at both",
            )
            until(lambda: len(one.logs) + len(other.logs) == PROCESSES * 2, what="logs")

            def points() -> list[set[str]]:
                return [
                    {
                        str(metric.resource["service.instance.id"])
                        for metric in sink.metrics
                        if metric.name == "load.requests"
                    }
                    for sink in (one, other)
                ]

            until(lambda: sum(map(len, points())) >= PROCESSES, what="metrics")
    traces = [{span.trace_id for span in sink.spans} for sink in (one, other)]
    assert all(traces), "one gateway got nothing"
    assert not traces[0] & traces[1]
    processes = points()
    assert all(processes)
    assert not processes[0] & processes[1]


@pytest.mark.timeout(900)  # the full flavour may have to be built first
def test_a_fleet_is_found_by_its_name(own_run: RunDirectory) -> None:
    with (
        OtlpSink() as sink,
        Collector(
            run=own_run,
            configs=["base", "forward"],
            env={"GATEWAY_OTLP_ENDPOINT": sink.url},
            name="gateway",
        ) as gateway,
        Collector(
            run=own_run,
            flavour=FULL,
            configs=["task:edge-fleet"],
            env={
                "GATEWAY_DNS_NAME": "localhost",
                "GATEWAY_DNS_PORT": gateway.grpc_endpoint.rpartition(":")[2],
                "GATEWAY_PLAINTEXT": "true",
            },
            name="edge",
        ) as edge,
    ):
        Load(edge.endpoint).send(range(1, 6))
        until(lambda: len(sink.spans) == len(sink.logs) == 5, what="signals")
        until(lambda: sink.metrics, what="metrics")


@pytest.mark.timeout(900)  # the full flavour may have to be built first
def test_quickstart(own_run: RunDirectory, tmp_path: Path) -> None:
    ports = {use: free_port() for use in ("grpc", "http", "scrape", "metrics")}
    text = (CONFIGS / "tasks" / "quickstart.yaml").read_text()
    for port, use in ((4317, "grpc"), (4318, "http"), (8889, "scrape")):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{ports[use]}")
    here = tmp_path / "quickstart.yaml"
    here.write_text(text)
    with AgentIntake() as datadog:
        top = tmp_path / "top.yaml"
        to = {"endpoint": datadog.url}
        exporter = {
            "api": {"fail_on_invalid_key": False},
            "hostname": "test",
            "host_metadata": {"enabled": False},
            **dict.fromkeys(("traces", "metrics", "logs"), to),
        }
        own = {
            "pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": ports["metrics"]}}}
        }
        top.write_text(
            yaml.safe_dump(
                {
                    "exporters": {"datadog": exporter},
                    "service": {"telemetry": {"metrics": {"readers": [own]}}},
                }
            )
        )
        collector = Collector(
            run=own_run,
            flavour=FULL,
            configs=[f"task:{here}", top],
            datadog_key=KEY,
            env=NO_CLOUD,
        )
        # Without a health check; the page is there before the receiver listens.
        collector._ready = lambda: "Everything is ready" in collector.log
        with collector:
            Load(f"http://127.0.0.1:{ports['http']}").send(range(1, 6))

            def page() -> str:
                url = f"http://127.0.0.1:{ports['scrape']}/metrics"
                return httpx.get(url, timeout=30, trust_env=False).text

            until(lambda: "load_requests_total{" in page(), what="metrics")
            assert ITEM.replace(".", "_") in page()
            until(
                lambda: {"/api/v0.2/traces", "/api/v2/series", "/api/v2/logs"} <= datadog.paths,
                what="traces, metrics and logs at Datadog",
            )
