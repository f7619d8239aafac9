"""Who gets in, what listens, and what is taken out: the collector's defences on the real binary."""

from __future__ import annotations

import base64
import contextlib
import re
import signal
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil
import pytest
import yaml
from aiohttp import web
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from stack.components.collector import CONFIGS, Collector, config_flags
from stack.drill.load import Load
from stack.drill.load import post as load_post
from stack.paths import RunDirectory
from stack.service import clean_environment
from stack.standins.otlp import OtlpSink
from stack.waiting import PATIENCE, until
from tests.certificates import Authority
from tools.build import binary

TOKEN = "let-me-in"
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def spans() -> bytes:
    return Load("").spans([1], {}, "").SerializeToString()


def post(url: str, token: str | None = None, **options: object) -> httpx.Response:
    headers = {**PROTOBUF, **({"Authorization": f"Bearer {token}"} if token else {})}
    with httpx.Client(trust_env=False, timeout=30, **options) as client:  # type: ignore[arg-type]
        return client.post(f"{url}/v1/traces", content=spans(), headers=headers)


def over_grpc(own_run: RunDirectory, folder: Path, to: Collector, token: str) -> str:
    """What a collector that sends to the other over gRPC with this token says at its end."""
    exporter = {
        "endpoint": to.grpc_endpoint.removeprefix("http://"),
        "tls": {"insecure": True},
        "headers": {"authorization": f"Bearer {token}"},
        "timeout": f"{PATIENCE}s",
    }
    pipeline = {"receivers": ["forward"], "exporters": ["otlp_grpc"]}
    config = folder / f"{token}.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "exporters": {"otlp_grpc": exporter},
                "service": {"pipelines": {"traces/grpc": pipeline}},
            }
        )
    )
    with Collector(run=own_run, configs=["base", config], name=token) as sender:
        assert post(sender.endpoint).status_code == 200
        # At its end it does not wait for an answer as long as that may take.
        sent = re.compile(
            r'^otelcol_exporter_sent_spans_total\{.*exporter="otlp_grpc".*\} 1$', re.M
        )
        until(
            lambda: "Exporting failed" in sender.log or sent.search(sender.metrics()),
            what="the answer to what was sent",
        )
        sender.stop()
        return sender.log


def test_only_who_shows_the_token_gets_in(own_run: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    env = {"LITELLM_OTELCOL_TOKEN_FILE": str(file)}
    with Collector(run=own_run, configs=["base"], env=env) as collector:
        assert post(collector.endpoint).status_code == 401
        assert post(collector.endpoint, "let-me-out").status_code == 401
        assert post(collector.endpoint, TOKEN).status_code == 200
        assert "Unauthenticated" in over_grpc(own_run, tmp_path, collector, "let-me-out")
        assert "Exporting failed" not in over_grpc(own_run, tmp_path, collector, TOKEN)
        assert TOKEN not in collector.log
        # Whether it is ready is no secret.
        assert httpx.get(collector.health_url, timeout=30, trust_env=False).status_code == 200


def test_a_new_token_is_taken_without_a_restart(own_run: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    env = {"LITELLM_OTELCOL_TOKEN_FILE": str(file)}
    with Collector(run=own_run, configs=["base"], env=env) as collector:
        assert post(collector.endpoint, "old").status_code == 200
        file.write_text("new")
        collector.signal(signal.SIGHUP)
        until(
            lambda: post(collector.endpoint, "new").status_code == 200,
            what="the new token to be taken",
            retry_on=(httpx.TransportError,),
        )
        assert post(collector.endpoint, "old").status_code == 401


class Backend(OtlpSink):
    """Keeps the headers of what is sent to it."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[Mapping[str, str]] = []

    def check(self, request: web.Request) -> web.Response | None:
        self.headers.append(request.headers)
        return super().check(request)


@pytest.mark.parametrize(
    ("config", "endpoint", "prefix"),
    [("loki", "LOKI_OTLP_ENDPOINT", "LOKI"), ("traces", "TRACES_OTLP_ENDPOINT", "TRACES")],
)
def test_what_a_backend_is_shown(
    config: str, endpoint: str, prefix: str, own_run: RunDirectory, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush")
    basic = "Basic " + base64.b64encode(b"me:hush").decode()
    for env, authorization, tenant in (
        ({}, None, None),
        ({f"{prefix}_BEARER_TOKEN_FILE": str(secret)}, "Bearer hush", None),
        (
            {
                f"{prefix}_USERNAME": "me",
                f"{prefix}_PASSWORD": "hush",
                f"{prefix}_TENANT": "team-a",
            },
            basic,
            "team-a",
        ),
    ):
        with (
            Backend() as backend,
            Collector(
                run=own_run, configs=["base", config], env={endpoint: backend.url, **env}
            ) as collector,
        ):
            Load(collector.endpoint).send([1])
            [headers] = until(lambda: backend.headers, what="the backend asked")
            assert headers.get("Authorization") == authorization
            assert headers.get("X-Scope-OrgID") == tenant


def test_only_who_has_a_certificate_gets_in(own_run: RunDirectory, tmp_path: Path) -> None:
    authority, foreign = Authority(tmp_path / "ca"), Authority(tmp_path / "foreign")
    server = authority.issue("server", "127.0.0.1")
    env = {
        "LITELLM_OTELCOL_TLS_CERT_FILE": str(server.certificate),
        "LITELLM_OTELCOL_TLS_KEY_FILE": str(server.key),
        "LITELLM_OTELCOL_TLS_CLIENT_CA_FILE": str(authority.certificate),
    }

    def context(issuer: Authority | None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(authority.certificate))
        if issuer is not None:
            own = issuer.issue("client", "client")
            made.load_cert_chain(own.certificate, own.key)
        return made

    with Collector(run=own_run, configs=["base"], env=env) as collector:
        secure = collector.endpoint.replace("http://", "https://")
        assert post(secure, verify=context(authority)).status_code == 200
        for refused in (None, foreign):
            with pytest.raises(httpx.TransportError):
                post(secure, verify=context(refused))
        # Plain HTTP where TLS is spoken: Go says so and hangs up, which may be faster.
        with contextlib.suppress(httpx.TransportError):
            assert post(collector.endpoint).status_code == 400


@pytest.mark.parametrize(
    ("env", "line"),
    [
        (
            {"LITELLM_OTELCOL_TLS_CERT_FILE": "/dev/null"},
            "LITELLM_OTELCOL_TLS_CERT_FILE: of no effect, because "
            "LITELLM_OTELCOL_TLS_KEY_FILE is not set",
        ),
        (
            {"LITELLM_OTELCOL_TLS_CLIENT_CA_FILE": "/dev/null"},
            "LITELLM_OTELCOL_TLS_CLIENT_CA_FILE: of no effect, because "
            "LITELLM_OTELCOL_TLS_CERT_FILE and LITELLM_OTELCOL_TLS_KEY_FILE are not set",
        ),
        (
            {"LITELLM_OTELCOL_TOKEN_FILE": "/nowhere/token"},
            'LITELLM_OTELCOL_TOKEN_FILE: "/nowhere/token" can\'t be read (no such file',
        ),
        (
            {"LITELLM_OTELCOL_REMOVE_CONTENT": "yes"},
            'LITELLM_OTELCOL_REMOVE_CONTENT: "yes" is neither true nor false, such as true',
        ),
    ],
)
def test_half_a_defence_is_no_start(env: dict[str, str], line: str) -> None:
    done = subprocess.run(
        [binary("otelcol-litellm-core"), *config_flags(["base"])],
        env=clean_environment(env),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    [said] = done.stderr.splitlines()
    assert line in said


def test_an_open_door_is_said(own_run: RunDirectory) -> None:
    """In a container 0.0.0.0 may be right; that nobody has to show anything is said all the same."""
    said = "is open to everyone who can reach it: set LITELLM_OTELCOL_TOKEN or"
    for env, lines in (
        ({"LITELLM_OTELCOL_HTTP_ENDPOINT": "0.0.0.0:14318"}, 1),
        ({"LITELLM_OTELCOL_HTTP_ENDPOINT": "0.0.0.0:14318", "LITELLM_OTELCOL_TOKEN": TOKEN}, 0),
        ({}, 0),
    ):
        done = subprocess.run(
            [binary("otelcol-litellm-core"), "validate", *config_flags(["base"])],
            env=clean_environment(env),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0
        assert done.stderr.count(said) == lines


def test_nothing_listens_but_what_is_declared_and_on_loopback(own_run: RunDirectory) -> None:
    collector = Collector(
        run=own_run,
        configs=["task:hybrid"],
        prometheus="http://127.0.0.1:1/api/v1/write",
        datadog="http://127.0.0.1:1",
        datadog_key="0" * 32,
    )
    declared = {
        int(value.rpartition(":")[2])
        for name, value in collector.env.items()
        if name.startswith("LITELLM_OTELCOL_") and name.endswith(("_ENDPOINT", "_PORT"))
    }
    with collector:
        listening = [
            each.laddr
            for each in psutil.Process(collector.pid).net_connections(kind="tcp")
            if each.status == psutil.CONN_LISTEN
        ]
        assert {address.port for address in listening} == declared
        assert {address.ip for address in listening} == {"127.0.0.1"}
        # Nothing is written but into the folder of the queues: the root may be read-only.
        storage = collector.env["LITELLM_OTELCOL_STORAGE_DIRECTORY"]
        opened = psutil.Process(collector.pid).open_files()
        written = {each.path for each in opened if set("wa+") & set(each.mode)}
        assert written
        assert all(path.startswith((storage, str(own_run.logs))) for path in written)
        # Nothing to look into the process with; the health check answers any path, and only that.
        for port in declared:
            for path in ("/debug/pprof/", "/debug/tracez", "/debug/servicez"):
                answer = _get(f"http://127.0.0.1:{port}{path}")
                assert answer is None or answer.status_code >= 400 or "status" in answer.json()


def test_every_shipped_listener_is_on_loopback_unless_the_task_is_to_serve_others() -> None:
    for path in sorted(CONFIGS.rglob("*.yaml")):
        if "0.0.0.0" in path.read_text(encoding="utf-8"):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            assert ["receiver_token", "receiver_client_ca"] in document["setup"]["required"]


CONTENT = [
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.prompt.0.content",
    "gen_ai.completion.0.content",
    "input.value",
    "llm.input_messages.0.message.content",
    "traceloop.entity.output",
]
KEPT = ["gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.input.tokens", "note"]


@pytest.mark.parametrize("switch", ["true", "false"])
def test_content_is_taken_out_when_asked_for(switch: str, own_run: RunDirectory) -> None:
    words = "the words of the user"
    extra = dict.fromkeys(CONTENT, words) | dict.fromkeys(KEPT, "kept")
    with (
        OtlpSink() as sink,
        Collector(
            run=own_run,
            configs=["base", "forward"],
            env={
                "GATEWAY_OTLP_ENDPOINT": sink.url,
                "LITELLM_OTELCOL_REMOVE_CONTENT": switch,
            },
        ) as collector,
    ):
        load = Load(collector.endpoint)
        load.send([1], extra=extra)
        event = load.logs([2], {}, words)
        event.resource_logs[0].scope_logs[0].log_records[0].event_name = "gen_ai.user.message"
        spans = load.spans([3], {}, "")
        spans.resource_spans[0].scope_spans[0].spans[0].events.add(
            name="gen_ai.content.prompt",
            attributes=[KeyValue(key="gen_ai.prompt", value=AnyValue(string_value=words))],
        )
        for signal, message in (("logs", event), ("traces", spans)):
            load_post(collector.endpoint, signal, message).raise_for_status()
        until(lambda: len(sink.logs) == len(sink.spans) == 2, what="both")
        kept = set(KEPT) | (set() if switch == "true" else set(CONTENT))
        # The second may have come first: the exporter sends two requests at a time.
        for records in (sink.logs, sink.spans):
            [first] = [record for record in records if record.attributes["load.item"] == 1]
            assert set(first.attributes) - {"load.item"} == kept
        # Metrics never have content; an attribute of theirs is left alone.
        traced = [body for body in sink.holding(words) if b"load.level" not in body]
        assert bool(traced) is (switch == "false")


def _get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=5, trust_env=False)
    except httpx.HTTPError:
        return None


def test_what_is_not_utf8_takes_nothing_with_it(own_run: RunDirectory) -> None:
    """A strict backend refuses a whole request for one such text."""
    marker = "\x01\x02\x03"
    with (
        OtlpSink() as sink,
        Collector(
            run=own_run, configs=["base", "forward"], env={"GATEWAY_OTLP_ENDPOINT": sink.url}
        ) as collector,
    ):
        load = Load(collector.endpoint)
        extra = {"note": f"caf{marker}"}
        spans = load.spans(range(1, 4), extra, f"told {marker}")
        spans.resource_spans[0].scope_spans[0].spans[0].name = f"span {marker}"
        spans.resource_spans[0].resource.attributes.add(key="of").value.string_value = marker
        requests = {
            "traces": spans,
            "logs": load.logs(range(1, 4), extra, f"line {marker}"),
            "metrics": load.metrics(range(1, 4), extra),
        }
        for signal, request in requests.items():
            body = request.SerializeToString().replace(marker.encode(), b"\xff\xc3\x28")
            assert b"\xff\xc3" in body
            answer = httpx.post(
                f"{collector.endpoint}/v1/{signal}",
                content=body,
                headers=PROTOBUF,
                timeout=30,
                trust_env=False,
            )
            assert answer.status_code == 200
        until(lambda: len(sink.spans) == len(sink.logs) == 3, what="both")
        until(lambda: sink.metrics, what="metrics")
        assert sink.failures == []
        assert {span.attributes["note"] for span in sink.spans} == {"caf****("}
        assert sink.spans[0].status_message == "told ****("
        assert {log.body for log in sink.logs} == {"line ****("}
