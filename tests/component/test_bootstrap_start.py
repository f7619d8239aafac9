"""How telemetry starts: by which command, in which processes, beside which other packages."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from litellm_otel import bootstrap
from tests.component.programs import CALL, INSTRUMENT, run_program
from tests.component.proxy_process import BIN, environment, running_proxy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.component.otlp_sink import Sink
    from tests.component.proxy_process import Provider

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LOADED = """
import json, sys
print(json.dumps([name for name in ("litellm", "opentelemetry.sdk", "requests", "fastapi", "httpx",
                                    "litellm_otel.distro") if name in sys.modules]))
"""


def install_package(folder: Path, name: str, module: str, entry_points: str) -> str:
    """A package as an installer leaves it; the directory to put on ``PYTHONPATH``."""
    site = folder / "site"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    (site / f"{name}.py").write_text(module)
    return str(site)


class TestCommands:
    def test_every_option_of_litellm_gets_through_opentelemetry_instrument(
        self, tmp_path: Path
    ) -> None:
        listing = subprocess.run(
            [
                sys.executable,
                "-c",
                "import json\nfrom litellm.proxy.proxy_cli import run_server\n"
                "print(json.dumps([o for p in run_server.params for o in p.opts]))",
            ],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        options = json.loads(listing.stdout.splitlines()[-1])
        assert {"--config", "--port", "--num_workers", "--run_gunicorn"} <= set(options)
        words = [word for option in options for word in (option, "value")]
        fake = tmp_path / "litellm"
        fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        fake.chmod(0o755)
        done = subprocess.run(
            [INSTRUMENT[0], "litellm", *words],
            env={**environment(), "PATH": f"{tmp_path}:/bin:/usr/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert done.stdout.split("\n")[:-1] == words

    @pytest.mark.parametrize(
        "command",
        [
            (sys.executable, "-m", "litellm_otel"),
            (sys.executable, "-I", "-m", "litellm_otel"),
            (str(BIN / "litellm-otel"), "run"),
            (sys.executable, "-m", "litellm_otel", sys.executable),
            INSTRUMENT,
        ],
        ids=["-m", "-I -m", "run", "interpreter", "opentelemetry-instrument"],
    )
    def test_a_program_is_traced(self, command: Sequence[str], sink: Sink, tmp_path: Path) -> None:
        done = run_program(
            tmp_path,
            CALL + "call()\nimport sys; print(sys.argv[1:], __name__); sys.exit(7)",
            command=command,
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        )
        assert (done.returncode, done.stdout) == (7, "[] __main__\n"), done.stderr
        assert [span.scope for span in sink.spans] == ["litellm_otel"]
        assert sink.total("litellm.requests") == 1
        assert [log.data.event_name for log in sink.logs if log.data.event_name] == [
            "litellm.request"
        ]

    def test_importing_auto_is_enough(self, sink: Sink, tmp_path: Path) -> None:
        done = run_program(
            tmp_path,
            "import litellm_otel.auto\n" + CALL + "call()",
            command=(sys.executable,),
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        )
        assert done.returncode == 0, done.stderr
        assert len(sink.spans) == 1

    def test_an_unknown_program_is_one_line(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [str(BIN / "litellm-otel"), "run", "no-such-program"],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 127
        assert done.stderr == "litellm-otel run: no such command or file: no-such-program\n"

    @pytest.mark.timeout(600)
    def test_isolated_workers_are_traced(
        self, sink: Sink, provider: Provider, tmp_path: Path
    ) -> None:
        options = ("--num_workers", "2", "--timeout_worker_healthcheck", "90")
        command = (sys.executable, "-I", "-m", "litellm_otel", "litellm")
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        with running_proxy(tmp_path, provider, *options, command=command, env=env) as proxy:
            proxy.wait_for_workers(2)
            proxy.ask(4)
            proxy.stop()
        assert len(sink.server_spans) == 4


class TestProcesses:
    @pytest.mark.parametrize("way", ["opentelemetry", "ours"])
    def test_a_program_without_litellm_costs_no_sdk_and_sends_nothing(
        self, way: str, sink: Sink, tmp_path: Path
    ) -> None:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        if way == "ours":
            env["PYTHONPATH"] = bootstrap.DIRECTORY
        command = INSTRUMENT if way == "opentelemetry" else (sys.executable,)
        done = run_program(tmp_path, LOADED, command=command, **env)
        assert json.loads(done.stdout) == ["litellm_otel.distro"], done.stderr
        assert not sink.paths

    @pytest.mark.parametrize(
        "words",
        [
            (
                "-c",
                "from multiprocessing.resource_tracker import main; import sys; "
                "print([n for n in sys.modules if 'telemetry' in n or n == 'wrapt'])",
            ),
            ("-m", "pip", "--version"),
        ],
        ids=["resource_tracker", "pip"],
    )
    def test_helper_processes_load_nothing(self, words: Sequence[str]) -> None:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *words],
            env=environment(PYTHONPATH=bootstrap.DIRECTORY),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "litellm_otel.process" in done.stderr
        assert "opentelemetry" not in done.stderr
        assert "litellm_otel.distro" not in done.stderr

    def test_a_hidden_sitecustomize_still_runs(self, tmp_path: Path) -> None:
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs" / "sitecustomize.py").write_text("print('theirs', __name__)")
        done = run_program(
            tmp_path,
            "import sys; print(sys.modules['sitecustomize'].__file__)",
            command=(sys.executable,),
            PYTHONPATH=f"{bootstrap.DIRECTORY}:{tmp_path / 'theirs'}",
        )
        first, second = done.stdout.splitlines()
        assert first == "theirs sitecustomize"
        assert second == str(tmp_path / "theirs" / "sitecustomize.py")
        assert done.stderr == ""

    def test_a_broken_start_is_one_line_and_the_program_runs(self, tmp_path: Path) -> None:
        (tmp_path / "broken" / "opentelemetry").mkdir(parents=True)
        (tmp_path / "broken" / "opentelemetry" / "__init__.py").write_text("1 / 0")
        done = run_program(
            tmp_path,
            "print('runs')",
            command=(sys.executable,),
            PYTHONPATH=f"{bootstrap.DIRECTORY}:{tmp_path / 'broken'}",
        )
        assert done.stdout == "runs\n"
        assert done.stderr == "litellm-otel: not started: ZeroDivisionError: division by zero\n"

    def test_disabled_means_nothing_at_all(self, sink: Sink, tmp_path: Path) -> None:
        done = run_program(
            tmp_path,
            CALL + "call()" + LOADED,
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
            OTEL_SDK_DISABLED="true",
        )
        assert "opentelemetry.sdk" not in json.loads(done.stdout), done.stderr
        assert done.returncode == 0
        assert not sink.paths


class TestBesideOthers:
    DISTRO = """
from opentelemetry.instrumentation.distro import BaseDistro
class Distro(BaseDistro):
    def _configure(self, **kwargs):
        print("their distro")
class Configurator:
    def configure(self, **kwargs):
        print("their configurator")
class Instrumentor:
    def instrument(self, **kwargs):
        print("their instrumentor")
"""
    ENTRY_POINTS = """
[opentelemetry_distro]
aaa = aaa_vendor:Distro
[opentelemetry_configurator]
aaa = aaa_vendor:Configurator
"""

    def test_this_distro_is_chosen_whichever_is_found_first(
        self, sink: Sink, tmp_path: Path
    ) -> None:
        site = install_package(tmp_path, "aaa_vendor", self.DISTRO, self.ENTRY_POINTS)
        done = run_program(
            tmp_path, CALL + "call()", PYTHONPATH=site, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url
        )
        assert done.stdout == "", done.stderr
        assert len(sink.spans) == 1

    def test_another_can_be_chosen_and_litellm_is_still_instrumented(
        self, sink: Sink, tmp_path: Path
    ) -> None:
        entry_points = self.ENTRY_POINTS.replace("aaa_vendor:Configurator", "theirs:Unused")
        site = install_package(tmp_path, "aaa_vendor", self.DISTRO, entry_points)
        done = run_program(
            tmp_path,
            CALL + "call()",
            PYTHONPATH=site,
            OTEL_PYTHON_DISTRO="aaa",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_TRACES_EXPORTER="otlp",
        )
        assert done.stdout == "their distro\n", done.stderr
        assert [span.scope for span in sink.spans if span.scope == "litellm_otel"]

    @pytest.mark.parametrize("choice", ["skip", "keep"])
    def test_a_foreign_litellm_instrumentation_is_left_out_with_one_line(
        self, choice: str, tmp_path: Path
    ) -> None:
        entry_points = "[opentelemetry_instrumentor]\nlitellm = aaa_vendor:Instrumentor\n"
        site = install_package(tmp_path, "aaa_vendor", self.DISTRO, entry_points)
        # One that is kept comes when LiteLLM does: after our hooks, which it would break.
        program = "import litellm"
        done = run_program(tmp_path, program, PYTHONPATH=site, LITELLM_OTEL_FOREIGN_LITELLM=choice)
        told = [line for line in done.stderr.splitlines() if "aaa_vendor:Instrumentor" in line]
        assert len(told) == (choice == "skip"), done.stderr
        assert ("their instrumentor" in done.stdout) == (choice == "keep")

    def test_an_application_keeps_its_own_providers(self, sink: Sink, tmp_path: Path) -> None:
        done = run_program(
            tmp_path,
            """
            from opentelemetry import trace
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            trace.set_tracer_provider(provider)
            import litellm_otel.auto
            """.replace("\n            ", "\n")
            + CALL
            + "call()\nassert trace.get_tracer_provider() is provider",
            command=(sys.executable,),
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        )
        assert done.returncode == 0, done.stderr
        assert [span.resource["service.name"] for span in sink.spans] == ["mine"]
        assert not sink.metrics
        assert "Overriding" not in done.stderr


@pytest.mark.timeout(600)
def test_the_literal_command(sink: Sink, provider: Provider, tmp_path: Path) -> None:
    """One SERVER span per request under the caller's trace, no noise, the trace goes on upstream."""
    import httpx

    from tests.component.proxy_process import KEY

    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "LITELLM_OTEL_ACCESS_LOG": "true"}
    with running_proxy(tmp_path, provider, env=env) as proxy:
        headers = {"Authorization": f"Bearer {KEY}", "traceparent": TRACEPARENT}
        body = {"model": "fast", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        url = f"{proxy.url}/v1/chat/completions"
        assert httpx.post(url, json=body, headers=headers, timeout=60).status_code == 200
        missing = {**body, "model": "missing"}
        assert httpx.post(url, json=missing, headers=headers, timeout=60).status_code == 400
        for path in ("/health/liveliness", "/health/readiness", "/openapi.json", "/metrics"):
            httpx.get(f"{proxy.url}{path}", timeout=60)
        proxy.stop()

    trace_id = TRACEPARENT.split("-")[1]
    assert [span.data.name for span in sink.server_spans] == ["POST /v1/chat/completions"] * 2
    for span in sink.server_spans:
        assert span.data.trace_id.hex() == trace_id
        assert span.data.parent_span_id.hex() == TRACEPARENT.split("-")[2]
        assert span.attributes["http.request.method"] == "POST"
        assert span.attributes["http.route"] == "/v1/chat/completions"
        assert "http.method" not in span.attributes
    assert {span.attributes["http.response.status_code"] for span in sink.server_spans} == {
        200,
        400,
    }
    names = {span.data.name for span in sink.spans}
    assert not [name for name in names if "http send" in name or "http receive" in name]
    assert not [span for span in sink.spans if span.scope == "fastapi"]

    sent = [headers["traceparent"] for headers in provider.seen if "traceparent" in headers]
    posts = [span for span in sink.spans if span.data.name == "POST" and span.data.kind == 3]
    assert [value.split("-")[1:3] for value in sent] == [
        [trace_id, span.data.span_id.hex()] for span in posts
    ]

    lines = [log for log in sink.logs if log.scope.startswith(("LiteLLM", "uvicorn"))]
    assert {log.scope for log in lines} >= {"LiteLLM Proxy", "uvicorn.error", "uvicorn.access"}
    texts = [(log.scope, log.data.body.string_value, log.data.time_unix_nano) for log in lines]
    assert len(texts) == len(set(texts)), "no line is sent twice"
    traced = [log for log in lines if log.data.trace_id.hex() == trace_id]
    assert traced, "lines of a request carry its trace id"
    assert not [metric for metric in sink.metrics if metric.data.name.startswith("http.")]
    for telling in (*sink.spans, *sink.logs):
        assert KEY not in str(telling.data)
    assert proxy.lines("litellm-otel") == []
    assert proxy.lines("recursive logging") == []
