"""What settings do to a real program: bad ones, exporters other than OTLP, an absent collector."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from stack.ports import free_port
from stack.waiting import until
from tests.component.otlp_sink import Sink
from tests.component.programs import CALL, INSTRUMENT, run_program
from tests.component.proxy_process import environment, running_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.proxy_process import Provider

# Ends when its standard input does, and tells when it has started.
SERVE = CALL + "call()\nimport sys\nprint('ready', flush=True)\nsys.stdin.read()\n"


def told(text: str) -> list[str]:
    return [line for line in text.splitlines() if "litellm-otel: " in line]


@pytest.mark.timeout(600)
def test_bad_settings_are_one_line_each_and_the_proxy_serves(
    sink: Sink, provider: Provider, tmp_path: Path
) -> None:
    (tmp_path / "otel.yaml").write_text("flush_timeout: [")
    env = {
        "OTEL_TRACES_EXPORTER": "otpl",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://:4318x",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "htpp",
        "OTEL_EXPORTER_OTLP_HEADERS": "Bearer s3cr3t",
        "OTEL_METRIC_EXPORT_INTERVAL": "often",
        "OTEL_ATTRIBUTE_COUNT_LIMIT": "few",
        "LITELLM_OTEL_PROCESS_METRICS": "perhaps",
        "LITELLM_OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"),
    }
    options = ("--num_workers", "2", "--timeout_worker_healthcheck", "90")
    with running_proxy(tmp_path, provider, *options, env=env) as proxy:
        proxy.wait_for_workers(2)
        proxy.ask(3)
        proxy.stop()
    lines = told(proxy.output)
    for name in env.keys() - {"OTEL_EXPORTER_OTLP_ENDPOINT"}:
        assert len([line for line in lines if name in line]) == 1, (name, lines)
    assert len(lines) == len(env) - 1
    assert "s3cr3t" not in proxy.output
    assert "Traceback" not in proxy.output
    assert not sink.spans
    assert not sink.metrics
    records = [log for log in sink.logs if log.data.event_name == "litellm.request"]
    assert len(records) == 3, "the signal that is set up well still goes"


def test_litellms_own_variables_are_enough(sink: Sink, tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        CALL + "call()",
        OTEL_EXPORTER="otlp_http",
        OTEL_ENDPOINT=f"{sink.url}/v1/traces",
        OTEL_HEADERS="x-team=abc",
        OTEL_ENVIRONMENT_NAME="staging",
        OTEL_TRACER_NAME="gateway",
        LITELLM_METER_NAME="gateway-metrics",
        LITELLM_LOGGER_NAME="gateway-logs",
    )
    assert done.stderr == ""
    assert [span.scope for span in sink.spans] == ["gateway"]
    assert sink.spans[0].resource["deployment.environment.name"] == "staging"
    assert {"gateway-metrics"} <= {metric.scope for metric in sink.metrics}
    assert {log.scope for log in sink.logs} == {"gateway-logs"}
    assert {headers["x-team"] for headers in sink.headers} == {"abc"}


def test_debug_otel_tells_more(tmp_path: Path, sink: Sink) -> None:
    done = run_program(
        tmp_path, CALL + "call()", DEBUG_OTEL="true", OTEL_EXPORTER_OTLP_ENDPOINT=sink.url
    )
    assert "DEBUG litellm_otel" in done.stderr


def test_console_shows_every_signal(tmp_path: Path) -> None:
    exporters = {f"OTEL_{signal}_EXPORTER": "console" for signal in ("TRACES", "METRICS", "LOGS")}
    done = run_program(tmp_path, CALL + "call()", **exporters)
    assert done.stderr == ""
    assert '"name": "chat gpt-4o-mini"' in done.stdout
    assert '"name": "litellm.requests"' in done.stdout
    assert '"event_name": "litellm.request"' in done.stdout


class TestUnreachableCollector:
    def test_one_line_when_it_is_gone_and_one_when_it_is_back(self, tmp_path: Path) -> None:
        port = free_port()
        script = tmp_path / "program.py"
        script.write_text(SERVE)
        program = subprocess.Popen(
            [*INSTRUMENT, str(script)],
            env=environment(
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
                OTEL_EXPORTER_OTLP_TIMEOUT="4",
                OTEL_METRIC_EXPORT_INTERVAL="300",
                OTEL_TRACES_EXPORTER="none",
                OTEL_LOGS_EXPORTER="none",
                LITELLM_OTEL_FLUSH_TIMEOUT="20",
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        sink = Sink()
        try:
            assert program.stdout is not None
            assert program.stderr is not None
            assert program.stdout.readline() == "ready\n"
            first = program.stderr.readline()
            sink.start(port)
            second = program.stderr.readline()
            assert sink.wait_for(lambda: sink.metrics)
            _, rest = program.communicate("", timeout=60)
        finally:
            program.kill()
            program.wait(10)
            sink.stop()
        assert re.search(
            rf"litellm-otel: metrics do not arrive at http://127.0.0.1:{port}/v1/metrics:"
            " connection refused; ",
            first,
        ), first
        assert re.search(r"litellm-otel: metrics arrive at .* again, after \d+ s", second), second
        assert rest == "", "nothing else is said, however many attempts failed"

    def test_the_end_of_the_program_is_not_held_up(self, tmp_path: Path) -> None:
        done = run_program(
            tmp_path,
            CALL
            + "call()\nimport atexit, time\n"
            # Registered last, so called first.
            + "atexit.register(lambda: print(time.time()))",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
            LITELLM_OTEL_FLUSH_TIMEOUT="3",
            # Nothing is sent by the clock, and so told of, before.
            OTEL_BSP_SCHEDULE_DELAY="3600000",
            OTEL_BLRP_SCHEDULE_DELAY="3600000",
            OTEL_METRIC_EXPORT_INTERVAL="3600000",
        )
        import time

        assert time.time() - float(done.stdout) < 20, "on a machine with other work"
        (line,) = done.stderr.splitlines()
        assert "ends, and what it still held could not be sent in 3 s (connection refused)" in line

    @pytest.mark.parametrize(
        ("status", "reason"), [(401, "HTTP 401"), (404, "HTTP 404"), (503, "HTTP 503")]
    )
    def test_a_refusal_is_told_with_its_reason(
        self, status: int, reason: str, sink: Sink, tmp_path: Path
    ) -> None:
        sink.status = status
        done = run_program(
            tmp_path,
            CALL + "call()",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
            OTEL_METRICS_EXPORTER="none",
            OTEL_LOGS_EXPORTER="none",
            # The flush is over when the exporter gives up, which has to be before its time is.
            LITELLM_OTEL_FLUSH_TIMEOUT="20",
            OTEL_EXPORTER_OTLP_TIMEOUT="4",
        )
        line = done.stderr.splitlines()[0]
        assert f"traces do not arrive at {sink.url}/v1/traces" in line
        assert reason in line

    def test_memory_is_bounded_and_dropping_is_told_once(self, tmp_path: Path) -> None:
        done = run_program(
            tmp_path,
            CALL
            + "call()\nfrom opentelemetry import trace\n"
            + "tracer = trace.get_tracer('many')\n"
            + "for _ in range(5000): tracer.start_span('one').end()\n"
            + "import gc\nfrom opentelemetry.sdk.trace import ReadableSpan\n"
            + "print(sum(isinstance(o, ReadableSpan) for o in gc.get_objects()))",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
            OTEL_METRICS_EXPORTER="none",
            OTEL_LOGS_EXPORTER="none",
            OTEL_BSP_MAX_QUEUE_SIZE="100",
            LITELLM_OTEL_FLUSH_TIMEOUT="1",
        )
        assert int(done.stdout) < 400, "the queue, and the batch in the exporter's hands"
        assert len([line for line in told(done.stderr) if "the oldest is dropped" in line]) == 1
        # And that it ends with something unsent; where it takes longer, that it does not arrive.
        lines = done.stderr.splitlines()
        assert 2 <= len(lines) <= 3
        assert len(set(lines)) == len(lines)


class TestPrometheus:
    def metrics_of(self, port: int) -> str:
        return httpx.get(f"http://localhost:{port}/metrics", timeout=60).text

    def test_metrics_are_served_and_a_second_process_says_why_not(
        self, sink: Sink, tmp_path: Path
    ) -> None:
        port = free_port()
        script = tmp_path / "program.py"
        script.write_text(SERVE)
        env = environment(
            OTEL_METRICS_EXPORTER="otlp,prometheus",
            OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        )
        programs: list[subprocess.Popen[str]] = []
        try:
            for _ in range(2):
                program = subprocess.Popen(
                    [*INSTRUMENT, str(script)],
                    env=env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                programs.append(program)
                assert program.stdout is not None
                assert program.stdout.readline() == "ready\n"
            page = self.metrics_of(port)
            second = programs[1].stderr
            assert second is not None
            # Before the first ends, and the second gets the port.
            line = second.readline()
            ends = [program.communicate("", timeout=60)[1] for program in programs]
        finally:
            for program in programs:
                program.kill()
                program.wait(10)
        assert re.search(r'^litellm_requests_total\{.*status="success".*\} 1\.0$', page, re.M), page
        assert re.search(r"^litellm_request_latency_seconds_bucket\{", page, re.M)
        assert re.search(r"^process_cpu_time_seconds_total\{", page, re.M)
        assert ends == ["", ""]
        assert f"http://localhost:{port}/metrics is not served by process" in line
        assert sink.total("litellm.requests") == 2, "OTLP gets the metrics of both"

    @pytest.mark.timeout(600)
    def test_a_worker_serves_all_workers_and_the_idle_parent_none(
        self, provider: Provider, tmp_path: Path
    ) -> None:
        port = free_port()
        env = {
            "OTEL_METRICS_EXPORTER": "prometheus",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        }
        # The other servers are in test_metrics_endpoint.py.
        options = ("--run_granian", "--num_workers", "2")
        with running_proxy(tmp_path, provider, *options, env=env) as proxy:
            # Each over a connection of its own, so that both workers get some.
            for _ in range(12):
                proxy.ask(1)
            proxy.wait_for_workers(2)

            def whole() -> bool:
                page = self.metrics_of(port)
                counted = re.search(r"^litellm_requests_total\{.*\} 12\.0$", page, re.M)
                workers = re.findall(r"^process_uptime_seconds\{", page, re.M)
                return counted is not None and len(workers) == 2

            # A worker that gets no CPU for seconds is shown by its counts alone.
            until(whole, what="both workers, and all they have answered")
            proxy.stop()
        assert told(proxy.output) == []


def test_the_proxys_http_metrics_are_there_when_asked_for(sink: Sink, tmp_path: Path) -> None:
    code = """
import fastapi, litellm
from fastapi.testclient import TestClient
app = fastapi.FastAPI()
app.get("/x")(lambda: "y")
TestClient(app).get("/x")
"""
    run_program(
        tmp_path, code, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url, LITELLM_OTEL_HTTP_METRICS="true"
    )
    assert "http.server.request.duration" in {metric.data.name for metric in sink.metrics}
    assert len(sink.server_spans) == 1
