"""The real OTLP/HTTP exporters, encoding our way, to a receiver that reads what arrives."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression, _log_exporter, trace_exporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from litellm_otel.otlp import exporters
from litellm_otel.otlp.exporters import Checked
from tests.component.otlp_sink import attributes
from tests.component.programs import CALL, run_program

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.component.otlp_sink import Sink

MODULES = ((trace_exporter, "encode_spans"), (_log_exporter, "encode_logs"))
RESOURCE = Resource({"service.name": "litellm", "tags": ["a", "b"]})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in MODULES:
        monkeypatch.setattr(module, name, getattr(module, name))
    exporters.install()


def send_span(sink: Sink, given: dict[str, Any], **options: Any) -> None:
    exporter = trace_exporter.OTLPSpanExporter(f"{sink.url}/v1/traces", **options)
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("litellm_otel").start_span("chat", attributes=given).end()
    provider.shutdown()


def send_log(sink: Sink, given: dict[str, Any], **options: Any) -> None:
    exporter = _log_exporter.OTLPLogExporter(f"{sink.url}/v1/logs", **options)
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("litellm_otel").emit(
        LogRecord(
            timestamp=1,
            severity_number=SeverityNumber.INFO,
            body="POST",
            attributes=given,
            event_name="litellm.request",
        )
    )
    provider.shutdown()


SENDERS = {"traces": send_span, "logs": send_log}


@pytest.mark.parametrize("signal", SENDERS)
@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_all_that_the_exporters_do_beside_encoding_is_still_done(
    installed: None, sink: Sink, signal: str, compression: Compression
) -> None:
    given = {"text": "a", "number": 7, "list": ("x", "y"), "flag": True, "cost": 0.25}
    SENDERS[signal](sink, given, headers={"api-key": "k"}, compression=compression)
    [item] = getattr(sink, {"traces": "spans", "logs": "logs"}[signal])
    assert item.attributes == {**given, "list": ["x", "y"]}
    assert item.scope == "litellm_otel"
    assert item.resource == {"service.name": "litellm", "tags": ["a", "b"]}
    assert sink.headers[0]["api-key"] == "k"
    assert sink.headers[0]["content-type"] == "application/x-protobuf"
    assert sink.headers[0].get("content-encoding", "none") == compression.value


@pytest.mark.parametrize("signal", SENDERS)
def test_one_value_that_does_not_fit_costs_only_itself(
    installed: None, sink: Sink, signal: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        SENDERS[signal](sink, {"before": 1, "huge": 2**70, "after": 2})
    [item] = getattr(sink, {"traces": "spans", "logs": "logs"}[signal])
    assert item.attributes == {"before": 1, "after": 2}


@pytest.mark.parametrize(("module", "name"), MODULES)
def test_the_contract_with_the_installed_version(
    installed: None, module: ModuleType, name: str
) -> None:
    """The name is there, the exporters go by it at each export, and it is replaced once."""
    encoder = getattr(module, name)
    assert isinstance(encoder, Checked)
    exporters.install()
    assert getattr(module, name) is encoder
    exporter: Any = module.OTLPSpanExporter if name == "encode_spans" else module.OTLPLogExporter  # type: ignore[attr-defined]
    assert name in exporter.export.__code__.co_names


def test_a_version_without_the_name_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    library = trace_exporter.encode_spans
    monkeypatch.delattr(trace_exporter, "encode_spans")
    with caplog.at_level(logging.DEBUG, "litellm_otel"):
        exporters.install()
    assert not hasattr(trace_exporter, "encode_spans")
    assert [r.levelname for r in caplog.records if "encode_spans" in r.getMessage()] == ["DEBUG"]
    monkeypatch.setattr(trace_exporter, "encode_spans", library, raising=False)
    send_span(sink, {"a": 1})
    assert len(sink.spans) == 1


PROGRAM = (
    CALL
    + """
call()
import json
from litellm_otel import lifecycle
lifecycle.flush()
from opentelemetry.exporter.otlp.proto.http import _log_exporter, trace_exporter
encoders = trace_exporter.encode_spans, _log_exporter.encode_logs
print(json.dumps([[type(e).__name__, e.trusted, next(e._numbers) > 0] for e in encoders]))
"""
)


def test_a_program_sends_its_spans_and_logs_this_way(sink: Sink, tmp_path: Path) -> None:
    done = run_program(tmp_path, PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url)
    assert json.loads(done.stdout) == [["Checked", True, True]] * 2, done.stderr
    [span] = sink.spans
    assert span.attributes["gen_ai.request.model"] == "gpt-4o-mini"
    [record] = [log for log in sink.logs if log.data.event_name]
    assert attributes(record.data)["litellm.outcome"] == "completed"


def test_an_outage_of_it_is_still_told(tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        PROGRAM,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_TIMEOUT="2",
        OTEL_METRICS_EXPORTER="none",
    )
    told = [line for line in done.stderr.splitlines() if "do not arrive" in line]
    assert sorted(line.partition("litellm-otel: ")[2].partition(" ")[0] for line in told) == [
        "logs",
        "traces",
    ], done.stderr
