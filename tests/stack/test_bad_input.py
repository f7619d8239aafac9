"""Bad settings: one clear line names the setting, and the proxy serves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.ports import free_port
from stack.traffic import kinds
from stack.waiting import until
from stack.watched import Watched


def own_lines(site: Watched) -> list[str]:
    """What litellm-otel told the operator."""
    return [line for line in site.proxy.log.splitlines() if "litellm-otel:" in line]


def assert_serves(site: Watched) -> None:
    traffic = site.send({kinds.WHOLE: 3, kinds.STREAMED: 2})
    assert not traffic.unexpected()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OTEL_TRACES_EXPORTER", "otpl", "otlp"),
        ("OTEL_METRICS_EXPORTER", "prometeus", "prometheus"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http//collector:4318", "http://"),
        ("OTEL_TRACES_SAMPLER", "allways_on", "always_on"),
    ],
)
def test_a_bad_value_is_one_line(
    start_proxy: Callable[..., Watched], name: str, value: str, told: str
) -> None:
    site = start_proxy(env={name: value})
    assert_serves(site)
    lines = [line for line in own_lines(site) if name in line]
    assert len(lines) == 1, lines
    assert repr(value) in lines[0]
    assert told in lines[0]
    assert "Failed to auto initialize OpenTelemetry" not in site.proxy.log
    assert not _tracebacks_of_ours(site.proxy.log)


def test_a_wrong_yaml_is_one_line(start_proxy: Callable[..., Watched], tmp_path: Path) -> None:
    config = tmp_path / "telemetry.yaml"
    config.write_text("flush_timeout: [1\n")
    site = start_proxy(env={"LITELLM_OTEL_CONFIG_FILE": str(config)})
    assert_serves(site)
    lines = [line for line in own_lines(site) if str(config) in line]
    assert len(lines) == 1, lines
    assert "LITELLM_OTEL_CONFIG_FILE" in lines[0]
    assert "not YAML" in lines[0]
    # Telemetry goes on with the defaults.
    until(lambda: len(site.arrived.records) == 5, what="the records", timeout=15.0)


def test_an_unreachable_collector_is_one_line_a_signal(
    start_proxy: Callable[..., Watched],
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    site = start_proxy(env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert_serves(site)

    def told() -> list[str]:
        return [line for line in own_lines(site) if endpoint in line]

    until(lambda: len(told()) >= 3, what="the lines about the collector", timeout=20.0)
    assert_serves(site)
    signals = sorted(re.findall(r"litellm-otel: (\w+) do not arrive at", "\n".join(told())))
    assert signals == ["logs", "metrics", "traces"]
    assert all("connection refused" in line for line in told())
    assert "Traceback" not in site.proxy.log
    assert site.proxy.stop() is not None, "ends in time although nothing can be sent"


def _tracebacks_of_ours(log: str) -> list[str]:
    """Stack traces that end in an exception raised in OpenTelemetry or in litellm_otel."""
    blocks = log.split("Traceback (most recent call last):")[1:]
    return [block for block in blocks if "opentelemetry/" in block or "litellm_otel/" in block]
