"""Programs that set up OpenTelemetry themselves: what is ours goes where theirs goes, to the last of it."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from stack.ports import free_port
from tests.component.proxy_process import CONFIG, KEY, Proxy, environment
from tests.component.proxy_process import Provider as ProxysProvider
from tests.side_by_side.running import CALLS, CHAT, OURS_WHOLE, observations, run, told, tree

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.otlp_sink import Sink

# Also to make the environment that it runs in.
pytestmark = pytest.mark.timeout(900)

BIN = Path(sys.executable).parent
# Nothing leaves but by a flush, and the signal is the end of the program.
NEVER = {
    "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "3600000",
    "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
}
END = "import signal\nwhole()\nsignal.raise_signal(signal.SIGTERM)\n"
PROVIDERS = """
import os
from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
mine, where = Resource.create({"service.name": "mine"}), os.environ["THEIRS"]
tracers = TracerProvider(resource=mine)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(where + "/v1/traces")))
reader = PeriodicExportingMetricReader(OTLPMetricExporter(where + "/v1/metrics"))
meters = MeterProvider([reader], resource=mine)
loggers = LoggerProvider(resource=mine)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(where + "/v1/logs")))
"""
PUBLISHED = """
trace.set_tracer_provider(tracers)
metrics.set_meter_provider(meters)
_logs.set_logger_provider(loggers)
"""
BY_HAND = """
from litellm_otel.instrumentor import LiteLLMInstrumentor
LiteLLMInstrumentor().instrument({})
"""
GIVEN = "tracer_provider=tracers, meter_provider=meters, logger_provider=loggers"
AUTO = "import litellm_otel.auto\n"
WAYS = {
    "before, then auto": PROVIDERS + PUBLISHED + AUTO + CALLS,
    "before, by hand": PROVIDERS + PUBLISHED + BY_HAND.format("") + CALLS,
    "after, by hand": BY_HAND.format("") + CALLS + PROVIDERS + PUBLISHED,
    "never published": PROVIDERS + BY_HAND.format(GIVEN) + CALLS,
}
"""Where a program's own providers come, and how ours is started."""


def assert_whole(sink: Sink, service: str) -> None:
    """One call, with all that there is of it, under the name of the application."""
    ours = [span for span in sink.spans if span.scope == "litellm_otel"]
    assert [span.data.name for span in ours] == [CHAT]
    assert sink.total("litellm.requests") == 1
    assert observations(sink, "gen_ai.client.operation.duration") == {"litellm_otel": 1}
    records = [log for log in sink.logs if log.data.event_name == "litellm.request"]
    assert len(records) == 1
    assert records[0].data.trace_id == ours[0].data.trace_id
    sent = (*ours, *records, *(m for m in sink.metrics if m.scope == "litellm_otel"))
    assert {item.resource["service.name"] for item in sent} == {service}


@pytest.mark.parametrize("way", WAYS)
def test_everything_goes_to_the_applications_providers(
    way: str, provider: Provider, sink: Sink, other: Sink, tmp_path: Path
) -> None:
    done = run(
        tmp_path,
        WAYS[way] + END,
        provider.base_url(),
        instrumented=False,
        status=-signal.SIGTERM,
        THEIRS=other.url,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        **NEVER,
    )
    assert done.stderr == ""
    assert_whole(other, "mine")
    assert not sink.paths


CONFIGURATION = """
file_format: "1.0"
resource:
  attributes: [{{name: service.name, value: declared}}]
  detection/development: {{detectors: [{{service: }}]}}
tracer_provider:
  processors:
    - batch: {{schedule_delay: 3600000, exporter: {{otlp_http: {{endpoint: {url}/v1/traces}}}}}}
meter_provider:
  readers:
    - periodic: {{interval: 3600000, exporter: {{otlp_http: {{endpoint: {url}/v1/metrics}}}}}}
logger_provider:
  processors:
    - batch: {{schedule_delay: 3600000, exporter: {{otlp_http: {{endpoint: {url}/v1/logs}}}}}}
"""


def test_declarative_configuration(
    provider: Provider, sink: Sink, other: Sink, tmp_path: Path, everything: Path
) -> None:
    (tmp_path / "otel.yaml").write_text(CONFIGURATION.format(url=other.url))
    done = run(
        tmp_path,
        CALLS + END,
        provider.base_url(),
        python=everything,
        status=-signal.SIGTERM,
        OTEL_CONFIG_FILE=str(tmp_path / "otel.yaml"),
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,anthropic,litellm",
    )
    assert told(done.stderr) == []
    assert "Traceback" not in done.stderr
    assert_whole(other, "declared")
    assert tree(other.spans) == OURS_WHOLE
    assert not sink.paths


def test_another_distribution(
    provider: Provider, sink: Sink, tmp_path: Path, everything: Path
) -> None:
    """OpenTelemetry's own starts the SDK and chooses the instrumentations; ours is one of them."""
    done = run(
        tmp_path,
        CALLS + END,
        provider.base_url(),
        python=everything,
        status=-signal.SIGTERM,
        OTEL_PYTHON_DISTRO="distro",
        OTEL_PYTHON_CONFIGURATOR="configurator",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_SERVICE_NAME="theirs",
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,anthropic,litellm",
        **NEVER,
    )
    assert told(done.stderr) == []
    assert_whole(sink, "theirs")
    assert tree(sink.spans) == OURS_WHOLE


APP = """
import contextlib
from fastapi import FastAPI
from litellm.proxy.proxy_server import app as gateway
@contextlib.asynccontextmanager
async def lifespan(app):
    # A mounted application's own is not run.
    async with gateway.router.lifespan_context(gateway):
        yield
app = FastAPI(lifespan=lifespan)
@app.get("/mine")
def mine():
    return "mine"
app.mount("/gateway", gateway)
"""


def test_the_proxy_mounted_in_an_application(sink: Sink, tmp_path: Path) -> None:
    """One SERVER span for each request, whichever of the two applications answers it."""
    import subprocess

    provider = ProxysProvider()
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(provider=provider.url, key=KEY))
    (tmp_path / "program.py").write_text(APP)
    port, log = free_port(), tmp_path / "app.log"
    command = [str(BIN / "opentelemetry-instrument"), str(BIN / "uvicorn"), "program:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            env=environment(
                CONFIG_FILE_PATH=str(config),
                OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
                LITELLM_OTEL_FLUSH_TIMEOUT="60",
                **NEVER,
            ),
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        proxy = Proxy(process, port, log)
        proxy.url += "/gateway"
        proxy.wait_until_ready()
        proxy.ask(2)
        proxy.ask(1, stream=True)
        assert httpx.get(f"http://127.0.0.1:{port}/mine", timeout=60).json() == "mine"
        proxy.stop(seconds=150)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(15)
        provider.shutdown()
        provider.server_close()
    assert "Traceback" not in proxy.output
    servers = Counter(span.data.name for span in sink.server_spans)
    assert servers.pop("GET /mine") == 1
    assert servers.total() == 3, servers
    below = tree(sink.spans)
    assert sum(n for (scope, name, _), n in below.items() if name == "chat fast") == 3
    assert sum(n for (scope, name, _), n in below.items() if name == "route fast") == 3
    assert not [key for key in below if key[2] == "elsewhere"]
    assert sink.total("litellm.requests") == 3
