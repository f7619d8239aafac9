"""``ddtrace-run`` in the same process: each sends its own, to where it belongs."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from stack.waiting import until
from tests.component.proxy_process import Provider as ProxysProvider
from tests.component.proxy_process import running_proxy
from tests.side_by_side.datadog_agent import Agent
from tests.side_by_side.running import CALLS, CHAT, OURS, run, told, tree

if TYPE_CHECKING:
    from pathlib import Path

    from stack.standins.provider import Provider
    from tests.component.otlp_sink import Sink

# Also to make the environment that it runs in.
pytestmark = pytest.mark.timeout(900)

ORDERS = {
    "datadog first": ("ddtrace-run", "opentelemetry-instrument"),
    "opentelemetry first": ("opentelemetry-instrument", "ddtrace-run"),
}
LOADED = """
asyncio.run(calls())
import sys
print(*(name for name in ("ddtrace.bootstrap.preload", "litellm_otel.instrumentor")
        if name in sys.modules))
"""
# What ddtrace makes of the same calls where nothing else is.
DATADOGS = {
    ("litellm.request", "acompletion"): 3,
    ("litellm.request", "router.acompletion"): 1,
    ("openai.request", "createChatCompletion"): 2,
    ("http.request", "http.request"): 3,
    ("aiohttp.request", "aiohttp.request"): 3,
    ("TCPConnector.connect", "TCPConnector.connect"): 3,
}


def settings(agent: Agent, sink: Sink) -> dict[str, str]:
    return {
        "DD_TRACE_AGENT_URL": agent.url,
        "DD_TRACE_API_VERSION": "v0.4",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
    }


@pytest.mark.parametrize("order", ORDERS)
def test_each_goes_its_way(
    order: str, provider: Provider, sink: Sink, tmp_path: Path, datadog: Path
) -> None:
    with Agent() as agent:
        done = run(
            tmp_path,
            CALLS + LOADED,
            provider.base_url(),
            python=datadog,
            command=tuple(str(datadog.parent / name) for name in ORDERS[order]),
            **settings(agent, sink),
        )
    assert done.stdout.split() == ["ddtrace.bootstrap.preload", "litellm_otel.instrumentor"]
    assert told(done.stderr) == []
    assert "Traceback" not in done.stderr
    assert tree(sink.spans) == OURS
    assert sink.total("litellm.requests") == 3
    assert agent.refused == []
    assert Counter((span["name"], span["resource"]) for span in agent.spans) == DATADOGS


@pytest.mark.parametrize("order", ORDERS)
def test_datadog_takes_over_opentelemetrys_traces(
    order: str, provider: Provider, sink: Sink, tmp_path: Path, datadog: Path
) -> None:
    with Agent() as agent:
        done = run(
            tmp_path,
            CALLS + LOADED,
            provider.base_url(),
            python=datadog,
            command=tuple(str(datadog.parent / name) for name in ORDERS[order]),
            DD_TRACE_OTEL_ENABLED="true",
            **settings(agent, sink),
        )
    (line,) = told(done.stderr)
    assert "Datadog's tracer has OpenTelemetry's traces (DD_TRACE_OTEL_ENABLED)" in line
    assert sink.spans == []
    assert sink.total("litellm.requests") == 3
    assert Counter(log.data.event_name for log in sink.logs) == {"litellm.request": 3}
    by_id = {span["span_id"]: span for span in agent.spans}
    parents = [
        by_id[span["parent_id"]]["resource"] for span in agent.spans if span["resource"] == CHAT
    ]
    assert parents == ["acompletion"] * 3
    (route,) = (span for span in agent.spans if span["resource"] == "route group")
    assert by_id[route["parent_id"]]["resource"] == "router.acompletion"
    roots = Counter(span["resource"] for span in agent.spans if not span.get("parent_id"))
    assert roots == {"acompletion": 2, "router.acompletion": 1}, "no call is below another"


def test_the_proxy_and_its_workers(sink: Sink, tmp_path: Path, datadog: Path) -> None:
    provider = ProxysProvider()
    bin_ = datadog.parent
    with Agent() as agent:
        env = {
            **settings(agent, sink),
            "LITELLM_OTEL_FLUSH_TIMEOUT": "60",
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        }
        command = [str(bin_ / name) for name in (*ORDERS["datadog first"], "litellm")]
        options = ("--num_workers", "2", "--timeout_worker_healthcheck", "90")
        with running_proxy(tmp_path, provider, *options, command=command, env=env) as proxy:
            proxy.ask(4)
            proxy.ask(2, stream=True)
            until(
                lambda: (
                    Counter(span["resource"] for span in agent.spans)["router.acompletion"] == 6
                ),
                what="what Datadog's tracer sends by the clock",
                timeout=60.0,
            )
            proxy.stop(seconds=150)
    provider.shutdown()
    provider.server_close()
    assert told(proxy.output) == []
    assert "Traceback" not in proxy.output
    assert tree(sink.spans) == {
        ("opentelemetry.instrumentation.fastapi", "POST /v1/chat/completions", None): 6,
        ("litellm_otel", "route fast", "POST /v1/chat/completions"): 6,
        ("litellm_otel", "chat fast", "route fast"): 6,
        ("litellm_otel.http_client", "POST", "chat fast"): 6,
    }
    assert sink.total("litellm.requests") == 6
    theirs = Counter(span["resource"] for span in agent.spans)
    assert theirs["router.acompletion"] == 6
    assert theirs["POST /v1/chat/completions"] == 6
    assert theirs["POST /v1/traces"] == 0
