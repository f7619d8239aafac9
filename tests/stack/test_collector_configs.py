"""The shipped collector configurations on the real binary: valid, booting, as recorded, carrying
every signal, keeping secrets in, and losing nothing when backends are down and it is killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import pytest
import yaml

from collector.generate import flavour_manifest
from stack.components.collector import CONFIGS, Collector
from stack.components.prometheus import Prometheus
from stack.drill.load import COUNTER, GAUGE, ITEM, SPAN, Load
from stack.paths import ROOT, RunDirectory
from stack.service import clean_environment
from stack.standins.datadog import Datadog
from stack.standins.otlp import OtlpSink
from stack.waiting import PATIENCE, NotInTime, until
from tools.build import binary

GOLDEN = ROOT / "collector" / "testdata" / "effective"
BACKENDS = ("prometheus", "loki", "datadog", "debug")
COMBINATIONS = [
    ("base", *chosen)
    for size in range(len(BACKENDS) + 1)
    for chosen in itertools.combinations(BACKENDS, size)
]
EVERYTHING_SET = {
    "PROMETHEUS_REMOTE_WRITE_ENDPOINT": "http://prometheus:9090/api/v1/write",
    "LOKI_OTLP_ENDPOINT": "http://loki:3100/otlp",
    "DD_API_KEY": "0123456789abcdef0123456789abcdef",
}
OFF = {
    "prometheus": "prometheus: off, PROMETHEUS_REMOTE_WRITE_ENDPOINT is not set",
    "loki": "loki: off, LOKI_OTLP_ENDPOINT is not set",
    "datadog": "datadog: off, DD_API_KEY is not set",
}
NOTHING = "nothing is forwarded: no backend is on, what arrives is accepted and dropped"


class LokiIntake(OtlpSink):
    """Loki's OTLP endpoint, as far as the collector can tell."""

    name = "Loki"
    logs_path = "/otlp/v1/logs"


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[RunDirectory]:
    directory = RunDirectory(f"collector-{request.node.originalname}")
    yield directory
    directory.release()


def otelcol(
    command: str, configs: Sequence[str], storage: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """A command of the collector's that ends by itself."""
    argv = [str(binary("otelcol-litellm-core"))]
    argv += [command] if command else []
    argv += [part for name in configs for part in ("--config", str(CONFIGS / f"{name}.yaml"))]
    return subprocess.run(
        argv,
        env=clean_environment({"LITELLM_OTELCOL_STORAGE_DIRECTORY": str(storage), **env}),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("given", ["nothing", "everything"])
@pytest.mark.parametrize("configs", COMBINATIONS, ids="+".join)
def test_every_combination_is_valid(configs: Sequence[str], given: str, tmp_path: Path) -> None:
    env = EVERYTHING_SET if given == "everything" else {}
    done = otelcol("validate", configs, tmp_path / "storage", env)
    assert done.returncode == 0, done.stderr
    if given == "nothing":
        said = done.stderr.splitlines()
        assert [line for line in said if ": off, " in line] == sorted(
            OFF[name] for name in configs if name in OFF
        )
        assert (NOTHING in said) == ("debug" not in configs)


@pytest.mark.parametrize("configs", COMBINATIONS, ids="+".join)
def test_every_combination_boots(configs: Sequence[str], run: RunDirectory) -> None:
    gone = "http://127.0.0.1:1"
    collector = Collector(
        run=run, configs=configs, prometheus=gone, loki=gone, datadog=gone, datadog_key="0" * 32
    )
    with collector:
        Load(collector.endpoint).send([1])
        assert collector.stop() == 0


def test_with_nothing_set_it_accepts_and_says_that_it_forwards_nothing(run: RunDirectory) -> None:
    collector = Collector(run=run)
    storage = Path(collector.env["LITELLM_OTELCOL_STORAGE_DIRECTORY"])
    with collector:
        Load(collector.endpoint).send(range(10))
        said = collector.log.splitlines()
        for line in (*OFF.values(), NOTHING):
            assert said.count(line) == 1
        assert list(storage.iterdir()) == []


@pytest.mark.parametrize("case", ["nothing", "prometheus", "loki", "datadog", "everything"])
def test_the_effective_configuration_is_the_recorded_one(case: str, tmp_path: Path) -> None:
    """Run with UPDATE_GOLDEN=1 to record what is effective now."""
    chosen = [case] if case in BACKENDS else [name for name in BACKENDS if name != "debug"]
    configs = ["base", *chosen, *(["debug"] if case == "everything" else [])]
    env = {} if case == "nothing" else EVERYTHING_SET
    storage = tmp_path / "storage"
    done = otelcol("print-config", configs, storage, env)
    assert done.returncode == 0, done.stderr
    effective = done.stdout.replace(str(storage), "/var/lib/otelcol-litellm")
    assert EVERYTHING_SET["DD_API_KEY"] not in effective
    golden = GOLDEN / f"{case}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(effective, encoding="utf-8")
    assert effective == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("LOKI_OTLP_ENDPOINT", "loki:3100", "is not an http:// or https:// URL"),
        ("PROMETHEUS_REMOTE_WRITE_ENDPOINT", "http://", "is not a URL with a host"),
        ("DD_SITE", "https://datadoghq.com", "is not a bare domain name"),
        ("DD_OTLP_ENDPOINT", "otlp.datadoghq.com", "is not an http:// or https:// URL"),
        ("LITELLM_OTELCOL_HTTP_ENDPOINT", "4318", "is not an address of the form host:port"),
        ("LITELLM_OTELCOL_METRICS_PORT", "http", "is not a port number"),
        ("LITELLM_OTELCOL_STORAGE_DIRECTORY", "/dev/null/queue", "can't be created"),
        ("LITELLM_OTELCOL_STORAGE_RESERVE_MIB", "1GiB", "is not a whole number from 0 on"),
    ],
)
def test_a_malformed_value_is_one_clear_line(
    variable: str, value: str, complaint: str, tmp_path: Path
) -> None:
    configs = ["base", "prometheus", "loki", "datadog"]
    env = {**EVERYTHING_SET, variable: value}
    done = otelcol("", configs, tmp_path / "storage", env)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if variable in line]
    assert f'{variable}: "{value}" {complaint}' in line
    assert EVERYTHING_SET["DD_API_KEY"] not in done.stderr


def test_empty_variables_mean_the_defaults(tmp_path: Path) -> None:
    empty = dict.fromkeys(
        ("LITELLM_OTELCOL_GRPC_ENDPOINT", "LITELLM_OTELCOL_HEALTH_ENDPOINT", "DD_SITE"), ""
    )
    configs = ["base", "datadog"]
    done = otelcol("print-config", configs, tmp_path / "storage", {**empty, "DD_API_KEY": "0" * 32})
    assert "endpoint: 127.0.0.1:4317" in done.stdout
    assert "endpoint: 127.0.0.1:13133" in done.stdout
    assert "endpoint: https://otlp.datadoghq.com" in done.stdout


def test_every_signal_arrives_everywhere_it_should(run: RunDirectory) -> None:
    # All digits: such a key must not be taken for a number on its way.
    key = "12345678901234567890123456789012"
    with (
        LokiIntake() as loki,
        Datadog(api_key=key) as datadog,
        Prometheus(run=run) as prometheus,
        Collector(
            run=run,
            configs=["base", "prometheus", "loki", "datadog", "debug"],
            prometheus=prometheus.remote_write_url,
            loki=f"{loki.url}/otlp",
            datadog=datadog.url,
            datadog_key=key,
        ) as collector,
    ):
        load = Load(collector.endpoint)
        load.send(range(1, 6))
        load.send(range(6, 11))
        until(lambda: len(datadog.spans) == 10, what="spans at Datadog")
        until(lambda: len(datadog.logs) == 10, what="logs at Datadog")
        until(lambda: len(loki.logs) == 10, what="logs at Loki")
        until(lambda: prometheus.total("load_requests_total") == 10, what="counter")
        until(lambda: len(levels(datadog)) == 10, what="metrics at Datadog")
        until(
            lambda: datadog.total("traces.span.metrics.calls", **{"span.name": SPAN}) == 10,
            what="APM metrics at Datadog",
        )

        assert datadog.failures == []
        assert {item(log.attributes) for log in loki.logs} == set(range(1, 11))
        assert loki.spans == loki.metrics == []
        [series] = prometheus.series("load_requests_total")
        assert series == {
            "__name__": "load_requests_total",
            "job": "litellm",
            "instance": "load-1",
        }
        assert prometheus.series("target_info")
        assert collector.log.count("Body: Str(line ") == 10
        assert collector.log.count(f"Name           : {SPAN}") == 10


def test_datadog_gets_deltas_and_prometheus_cumulative_values(run: RunDirectory) -> None:
    with (
        Datadog() as datadog,
        Prometheus(run=run) as prometheus,
        Collector(
            run=run,
            prometheus=prometheus.remote_write_url,
            datadog=datadog.url,
            datadog_key="0" * 32,
        ) as collector,
    ):
        load = Load(collector.endpoint)
        for highest in (3, 7, 12):
            load.send([highest])
        until(lambda: datadog.total(COUNTER) == 12, what="deltas at Datadog")
        until(lambda: prometheus.total("load_requests_total") == 12, what="counter")
        points = [
            point for metric in datadog.metrics if metric.name == COUNTER for point in metric.points
        ]
        # In the order of their times: of two requests at a time either may arrive first.
        assert [each.value for each in sorted(points, key=lambda each: each.at)] == [3, 4, 5]


def test_secrets_leave_in_no_signal(run: RunDirectory) -> None:
    planted = {
        "sk-": "sk-" + secrets.token_urlsafe(24),
        "bearer": secrets.token_urlsafe(32),
        "url": secrets.token_hex(12),
        "parameter": secrets.token_hex(12),
        "named": secrets.token_hex(12),
        "aws": "AKIA" + secrets.token_hex(8).upper(),
    }
    text = (
        f"key {planted['sk-']} and Authorization: Bearer {planted['bearer']} refused by "
        f"https://me:{planted['url']}@host/path?api_key={planted['parameter']} {planted['aws']}"
    )
    harmless = {
        "gen_ai.usage.input_tokens": "17",
        "litellm.key.alias": "team-key",
        "note": "ask-me",
    }
    with (
        LokiIntake() as loki,
        Datadog() as datadog,
        Prometheus(run=run) as prometheus,
        Collector(
            run=run,
            prometheus=prometheus.remote_write_url,
            loki=f"{loki.url}/otlp",
            datadog=datadog.url,
            datadog_key="0" * 32,
        ) as collector,
    ):
        Load(collector.endpoint).send(
            [1], extra={**harmless, "text": text, "x-api-key": planted["named"]}, text=text
        )
        until(lambda: datadog.spans and datadog.logs and loki.logs, what="signals")
        until(lambda: levels(datadog), what="metrics at Datadog")
        [series] = until(lambda: prometheus.series("load_level"), what="metrics at Prometheus")

        for secret in planted.values():
            assert not datadog.holding(secret)
            assert not loki.holding(secret)
            assert secret not in str(series)
        [span] = datadog.spans
        assert span.status_message.startswith("key **** and Authorization: **** refused by https")
        assert span.attributes["x-api-key"] == "****"
        for record in (span.attributes, loki.logs[0].attributes):
            assert {name: record[name] for name in harmless} == harmless
        assert series["gen_ai_usage_input_tokens"] == "17"


@pytest.mark.parametrize("task", ["edge", "edge-fleet", "prometheus", "gateway"])
def test_a_process_metrics_reach_prometheus_one_request_after_the_other(task: str) -> None:
    """What overtakes older samples of its series makes those too old, after a long outage."""
    effective = yaml.safe_load((GOLDEN / f"task-{task}.yaml").read_text(encoding="utf-8"))
    exporters = {
        name
        for pipeline, parts in effective["service"]["pipelines"].items()
        for name in parts["exporters"]
        if pipeline.split("/")[0] == "metrics" and "datadog" not in pipeline
    }
    queues = [effective["exporters"].get(name, {}).get("sending_queue") for name in exporters]
    consumers = [queue["num_consumers"] for queue in queues if queue]
    assert consumers == [1]


def test_its_own_metrics_have_the_names_that_rules_use(run: RunDirectory) -> None:
    with (
        LokiIntake() as loki,
        Collector(run=run, loki=f"{loki.url}/otlp") as collector,
    ):
        Load(collector.endpoint).send([1])
        until(lambda: loki.logs, what="the log at Loki")
        wanted = {
            "otelcol_receiver_accepted_log_records_total",
            "otelcol_exporter_sent_log_records_total",
            "otelcol_exporter_queue_size",
            "otelcol_exporter_queue_capacity",
            "otelcol_process_uptime_seconds_total",
            "otelcol_process_memory_rss_bytes",
        }
        until(
            lambda: wanted <= own_metrics(collector),
            what=f"{sorted(wanted)} among its own metrics",
            interval=0.5,
        )


def test_nothing_acknowledged_is_lost_when_backends_are_down_and_it_is_killed(
    run: RunDirectory,
) -> None:
    key = "0" * 32
    prometheus = Prometheus(run=run)
    loki, datadog = LokiIntake(), Datadog(api_key=key)
    loki_after, datadog_after = LokiIntake(loki.port), Datadog(datadog.port, api_key=key)
    collector = Collector(
        run=run,
        prometheus=prometheus.remote_write_url,
        loki=f"{loki.url}/otlp",
        datadog=datadog.url,
        datadog_key=key,
    )
    load = Load(collector.endpoint)
    numbers = (tuple(range(start, start + 10)) for start in itertools.count(1, 10))
    try:
        for part in (prometheus, loki, datadog, collector):
            part.start()
        prometheus.await_ready()
        collector.await_ready()

        send(load, numbers, 5)
        for part in (prometheus, loki, datadog):
            part.stop()
        send(load, numbers, 10)
        for _ in range(2):
            collector.signal(signal.SIGKILL)
            collector.wait(PATIENCE)
            collector.start()
            collector.await_ready()
            send(load, numbers, 10)
        prometheus.start()
        for stand_in in (loki_after, datadog_after):
            stand_in.start()
        send(load, numbers, 5)

        def lost() -> dict[str, int]:
            arrived = {
                "metrics at Prometheus": {
                    int(series["load_item"]) for series in prometheus.series("load_level")
                },
                "logs at Loki": items(loki.logs, loki_after.logs),
                "traces at Datadog": items(datadog.spans, datadog_after.spans),
                "logs at Datadog": items(datadog.logs, datadog_after.logs),
                "metrics at Datadog": levels(datadog) | levels(datadog_after),
            }
            missing = {what: load.taken[what.split()[0]] - found for what, found in arrived.items()}
            return {what: len(found) for what, found in missing.items() if found}

        assert all(len(taken) == 400 for taken in load.taken.values())
        with contextlib.suppress(NotInTime):
            until(
                lambda: not lost(),
                what="everything acknowledged to arrive",
                timeout=90,
                interval=1,
                retry_on=(httpx.HTTPError,),
            )
        assert lost() == {}
        assert datadog.failures == datadog_after.failures == []
    finally:
        for part in (collector, prometheus, loki, datadog, loki_after, datadog_after):
            part.stop()


@pytest.mark.timeout(1800)  # the full flavour may have to be built first
@pytest.mark.parametrize(
    ("name", "flavour"), [("otelcol-litellm-core", "core"), ("otelcol-litellm", "full")]
)
def test_its_components_are_those_of_the_manifest(name: str, flavour: str) -> None:
    done = subprocess.run(
        [binary(name), "components"], capture_output=True, text=True, check=True, timeout=60
    )
    listed = yaml.safe_load(done.stdout)
    manifest = yaml.safe_load(flavour_manifest(flavour, "."))
    assert listed["buildinfo"]["command"] == name
    for section in ("receivers", "processors", "exporters", "connectors", "extensions"):
        built = {entry["module"] for entry in listed[section]}
        assert built == {entry["gomod"] for entry in manifest[section]}, section
    for section in ("providers", "converters"):
        built = {entry["module"] for entry in listed[section]}
        assert built == {entry["gomod"] for entry in manifest[section]}, section


def send(load: Load, batches: Iterator[tuple[int, ...]], count: int) -> None:
    for batch in itertools.islice(batches, count):
        load.send(batch)


def item(attributes: Mapping[str, object]) -> int:
    return int(str(attributes[ITEM]))


def items(*received: Sequence[object]) -> set[int]:
    return {item(record.attributes) for records in received for record in records}  # type: ignore[attr-defined]


def levels(datadog: Datadog) -> set[int]:
    return {
        item(point.attributes)
        for metric in datadog.metrics
        if metric.name == GAUGE
        for point in metric.points
    }


def own_metrics(collector: Collector) -> set[str]:
    return {
        line.split("{")[0].split(" ")[0]
        for line in collector.metrics().splitlines()
        if line[:1] != "#"
    }
