"""With no collector at all: metrics at the exporter's port, and any signal on the console."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress

import httpx
from prometheus_client.parser import text_string_to_metric_families

from stack.ports import free_port
from stack.traffic import Mix, kinds
from stack.waiting import NotInTime, until
from stack.watched import Watched

MIX: Mix = {
    kinds.WHOLE: 5,
    kinds.STREAMED: 3,
    kinds.FALLING_BACK: 2,
    kinds.FAILING: 2,
    kinds.UNKNOWN_MODEL: 1,
}
WITHOUT_COLLECTOR = {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def test_prometheus_exporter_serves_the_same_metrics(
    start_proxy: Callable[..., Watched],
) -> None:
    port = free_port()
    exposing = start_proxy(
        env={
            **WITHOUT_COLLECTOR,
            "OTEL_METRICS_EXPORTER": "prometheus",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        }
    )
    pushing = start_proxy()
    traffic = exposing.send(MIX)
    assert traffic.by_status() == pushing.send(MIX).by_status()

    def scraped() -> dict[str, float]:
        """The sum of each sample over its labels."""
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30, trust_env=False).text
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums

    until(
        lambda: scraped().get("litellm_requests_total") == len(traffic),
        what="all requests counted",
    )
    until(
        lambda: pushing.arrived.total("litellm_requests_total") == len(traffic),
        what="all requests counted in Prometheus",
    )
    # LiteLLM tells of tokens after its answer.
    tokens = "litellm_output_tokens_metric_total"
    until(
        lambda: math.isclose(scraped().get(tokens, -1.0), pushing.arrived.total(tokens)),
        what="the same tokens",
    )

    def missing() -> set[str]:
        """What is pushed and not on the page."""
        there = pushing.arrived.metric_names()
        ours = {name for name in there if name.startswith(("litellm_", "gen_ai_", "process_"))}
        return ours - set(scraped())

    with suppress(NotInTime):
        until(lambda: not missing(), what="all metrics on the page")
    assert missing() == set()


def test_console_shows_every_signal(start_proxy: Callable[..., Watched]) -> None:
    site = start_proxy(
        env={
            "OTEL_TRACES_EXPORTER": "console",
            "OTEL_METRICS_EXPORTER": "console",
            "OTEL_LOGS_EXPORTER": "console",
        }
    )
    (exchange,) = site.send({kinds.WHOLE: 1}, traced=True)
    until(
        lambda: all(
            text in site.proxy.log
            for text in (
                f'"trace_id": "0x{exchange.trace_id}"',
                '"name": "chat gpt-4o"',
                json.dumps("litellm.requests"),
                "litellm.request",
            )
        ),
        what="spans, metrics and records on the console",
    )
