"""Bad settings: one clear line names the setting, and the proxy serves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

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


# Name, value, and a word of the advice that is given.
BAD_VALUES = (
    ("OTEL_TRACES_EXPORTER", "otpl", "otlp"),
    ("OTEL_METRICS_EXPORTER", "prometeus", "prometheus"),
    ("OTEL_TRACES_SAMPLER", "allways_on", "always_on"),
)


def test_each_bad_value_is_one_line(start_proxy: Callable[..., Watched], tmp_path: Path) -> None:
    config = tmp_path / "telemetry.yaml"
    config.write_text("flush_timeout: [1\n")
    wrong_yaml = ("LITELLM_OTEL_CONFIG_FILE", str(config), "not YAML")
    bad = (*BAD_VALUES, wrong_yaml)
    site = start_proxy(env={name: value for name, value, _ in bad})
    assert_serves(site)
    for name, value, advice in bad:
        assert_one_line(site, name, value, advice)
    assert_no_stack_trace(site)
    # What the bad values don't touch goes on with the defaults.
    until(lambda: len(site.arrived.records) == 5, what="the records")


def test_a_malformed_endpoint_is_one_line(start_proxy: Callable[..., Watched]) -> None:
    endpoint = "http//collector:4318"
    site = start_proxy(env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert_serves(site)
    assert_one_line(site, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "http://")
    assert_no_stack_trace(site)


def assert_one_line(site: Watched, name: str, value: str, advice: str) -> None:
    lines = [line for line in own_lines(site) if name in line]
    assert len(lines) == 1, lines
    assert repr(value) in lines[0]
    assert advice in lines[0]


def assert_no_stack_trace(site: Watched) -> None:
    blocks = site.proxy.log.split("Traceback (most recent call last):")[1:]
    assert not [each for each in blocks if "opentelemetry/" in each or "litellm_otel/" in each]
    assert "Failed to auto initialize OpenTelemetry" not in site.proxy.log


def test_an_unreachable_collector_is_one_line_a_signal(
    start_proxy: Callable[..., Watched],
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    site = start_proxy(env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert_serves(site)

    def told() -> list[str]:
        return [line for line in own_lines(site) if endpoint in line]

    until(lambda: len(told()) >= 3, what="the lines about the collector")
    assert_serves(site)
    signals = sorted(re.findall(r"litellm-otel: (\w+) do not arrive at", "\n".join(told())))
    assert signals == ["logs", "metrics", "traces"]
    assert all("connection refused" in line for line in told())
    assert "Traceback" not in site.proxy.log
    assert site.proxy.stop() is not None, "ends in time although nothing can be sent"
