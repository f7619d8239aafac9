"""Log lines of LiteLLM and its server: once each, whole, with their trace, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.programs import CALL, run_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Sink

SECRET = "sk-pl4nt3d0123456789abcdef"
FAIL = f"""
import logging
from opentelemetry import trace
def deep(): raise ValueError("upstream refused api_key={SECRET}")
def fail(name):
    try:
        deep()
    except ValueError:
        logging.getLogger(name).error("call with %s failed", "{SECRET}", exc_info=True,
                                      extra={{"headers": "{SECRET}"}})
tracer = trace.get_tracer("test")
"""


def test_a_line_is_whole_traced_and_redacted(sink: Sink, tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        CALL + FAIL + "with tracer.start_as_current_span('outer'): fail('LiteLLM Proxy')",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    assert "recursive logging" not in done.stderr
    (log,) = [log for log in sink.logs if log.scope == "LiteLLM Proxy"]
    (span,) = [span for span in sink.spans if span.data.name == "outer"]
    assert (log.data.trace_id, log.data.span_id) == (span.data.trace_id, span.data.span_id)
    assert log.data.body.string_value.startswith("call with ")
    assert log.data.body.string_value.endswith(" failed")
    assert log.data.severity_text == "ERROR"
    trace = log.attributes["exception.stacktrace"]
    assert trace.startswith("Traceback (most recent call last)")
    assert "in deep" in trace
    assert "in fail" in trace
    assert SECRET not in str(log.data)
    # An allow-list: what a caller puts into `extra` may be anything.
    assert "headers" not in log.attributes
    assert set(log.attributes) <= {
        "exception.type",
        "exception.message",
        "exception.stacktrace",
    }


@pytest.mark.parametrize(
    "reconfigure",
    [
        "import logging.config as c; c.dictConfig({'version': 1, 'disable_existing_loggers': False,"
        " 'loggers': {'uvicorn.error': {'level': 'INFO', 'handlers': []}}})",
        "import litellm; litellm._turn_on_json()",
        "",
    ],
    ids=["dictConfig", "json", "untouched"],
)
def test_a_line_is_sent_once_whoever_configures_logging(
    reconfigure: str, sink: Sink, tmp_path: Path
) -> None:
    run_program(
        tmp_path,
        CALL + FAIL + reconfigure + "\nfor name in ('uvicorn.error', 'LiteLLM'): fail(name)",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    scopes = sorted(log.scope for log in sink.logs)
    assert scopes == ["LiteLLM", "uvicorn.error"]


def test_the_handler_on_the_root_logger_takes_over_where_it_is_asked_for(
    sink: Sink, tmp_path: Path
) -> None:
    run_program(
        tmp_path,
        CALL + FAIL + "for name in ('mine', 'LiteLLM'): fail(name)",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION="true",
    )
    assert sorted(log.scope for log in sink.logs) == ["LiteLLM", "mine"]


@pytest.mark.parametrize("name", ["mine", "opentelemetry.sdk", "litellm_otel"])
def test_other_loggers_are_not_ours_to_send(name: str, sink: Sink, tmp_path: Path) -> None:
    run_program(tmp_path, CALL + FAIL + f"fail({name!r})", OTEL_EXPORTER_OTLP_ENDPOINT=sink.url)
    assert sink.logs == []


def test_they_can_be_switched_off(sink: Sink, tmp_path: Path) -> None:
    run_program(
        tmp_path,
        CALL + FAIL + "fail('LiteLLM')",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        LITELLM_OTEL_LOGS="false",
    )
    assert sink.logs == []
