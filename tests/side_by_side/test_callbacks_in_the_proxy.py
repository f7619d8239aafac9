"""LiteLLM's own callbacks in the proxy's configuration."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from stack.waiting import settled, until
from tests.component.proxy_process import CONFIG, KEY, Provider, running_proxy
from tests.side_by_side import backends
from tests.side_by_side.backends import Backend
from tests.side_by_side.running import AIOHTTP, observations, told, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.component.otlp_sink import Sink

pytestmark = pytest.mark.timeout(600)

FASTAPI, CHAT, ROUTE = "opentelemetry.instrumentation.fastapi", "chat fast", "route fast"
SERVER = "POST /v1/chat/completions"


def with_callbacks(provider: Provider, *names: str) -> str:
    callbacks = "".join(f"    - {name}\n" for name in names)
    config = CONFIG.format(provider=provider.url, key=KEY)
    return f"{config}litellm_settings:\n  callbacks:\n{callbacks}"


@pytest.fixture
def provider() -> Iterator[Provider]:
    started = Provider()
    yield started
    started.shutdown()
    started.server_close()


@pytest.mark.parametrize("generation", ["first", "second"])
def test_otel_and_prometheus(
    generation: str, provider: Provider, sink: Sink, tmp_path: Path
) -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "LITELLM_OTEL_INTEGRATION_ENABLE_METRICS": "true",
        "LITELLM_OTEL_INTEGRATION_ENABLE_EVENTS": "true",
        "LITELLM_OTEL_METRICS_ENDPOINT": "true",
        "LITELLM_OTEL_FLUSH_TIMEOUT": "60",
        **({"LITELLM_OTEL_V2": "true"} if generation == "second" else {}),
    }
    config = with_callbacks(provider, "otel", "prometheus")
    with running_proxy(tmp_path, provider, env=env, config=config) as proxy:
        proxy.ask(2)
        proxy.ask(1, stream=True)
        refused = httpx.post(
            f"{proxy.url}/v1/chat/completions",
            json={"model": "missing", "messages": [{"role": "user", "content": "hello"}]},
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=60,
        )
        assert refused.status_code == 400
        counted = lambda: scraped(proxy.url, "litellm_requests_metric_total")  # noqa: E731
        assert sink.wait_for(lambda: counted() == 3, 60), "the callback counts as before"
        proxy.stop(seconds=150)

    lines = told(proxy.output)
    assert len([line for line in lines if "LiteLLM's own 'otel' callback is on too" in line]) == 1
    (line,) = [line for line in lines if "'prometheus' callback is on too" in line]
    assert "LITELLM_OTEL_METRICS_ENDPOINT=true gives way to it" in line
    assert len(lines) == 2
    assert "Overriding of current" not in proxy.output
    assert "already instrumented" not in proxy.output
    assert "Traceback" not in proxy.output
    assert tree(sink.spans) == {
        (FASTAPI, SERVER, None): 4,
        ("litellm_otel", ROUTE, SERVER): 3,
        ("litellm_otel", CHAT, ROUTE): 3,
        (AIOHTTP, "POST", CHAT): 3,
    }
    for span in sink.server_spans:
        assert not [name for name in span.attributes if name.startswith("gen_ai.")]
    assert sink.total("litellm.requests") == 4
    assert observations(sink, "gen_ai.client.operation.duration") == {"litellm_otel": 3}
    events = Counter(log.data.event_name for log in sink.logs if log.scope == "litellm_otel")
    assert events == {"litellm.request": 4}
    assert "litellm" not in {log.scope for log in sink.logs}
    assert not [headers for headers in provider.seen if "baggage" in headers]


def scraped(url: str, name: str) -> float:
    headers = {"Authorization": f"Bearer {KEY}"}
    page = httpx.get(f"{url}/metrics/", headers=headers, timeout=60).text
    return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith(name + "{"))


def test_who_sends_elsewhere_sends_what_it_did(
    provider: Provider, sink: Sink, tmp_path: Path
) -> None:
    """Their traces begin with the proxy's request, and are whole, with us as without us."""
    seen: list[dict[str, Any]] = []
    for instrumented in (False, True):
        with ExitStack() as stack:
            phoenix = stack.enter_context(Backend(backends.PHOENIX))
            langfuse = stack.enter_context(Backend(backends.LANGFUSE))
            env = {
                "PHOENIX_COLLECTOR_HTTP_ENDPOINT": phoenix.url,
                "PHOENIX_API_KEY": backends.PHOENIX_KEY,
                "LANGFUSE_OTEL_HOST": langfuse.url,
                "OTEL_BSP_SCHEDULE_DELAY": "100",
                "LITELLM_OTEL_FLUSH_TIMEOUT": "60",
                **backends.LANGFUSE_KEYS,
            }
            command = ["litellm"]
            if instrumented:
                command.insert(0, "opentelemetry-instrument")
                env["OTEL_EXPORTER_OTLP_ENDPOINT"] = sink.url
            folder = tmp_path / str(instrumented)
            folder.mkdir()
            config = with_callbacks(provider, "langfuse_otel", "arize_phoenix")
            proxy = stack.enter_context(
                running_proxy(folder, provider, command=command, env=env, config=config)
            )
            proxy.ask(1)
            proxy.ask(1, stream=True)
            spans = {"langfuse": langfuse.spans, "phoenix": phoenix.spans}
            wait_for(spans, seen[0] if seen else None)
            proxy.stop(seconds=150)
            assert told(proxy.output) == []
            assert [*phoenix.refused, *langfuse.refused] == []
        seen.append({name: tree(found) for name, found in spans.items()})
    bare, beside = seen
    assert bare["phoenix"]
    assert bare["langfuse"]
    assert beside == bare
    assert tree(sink.spans) == {
        (FASTAPI, SERVER, None): 2,
        ("litellm_otel", ROUTE, SERVER): 2,
        ("litellm_otel", CHAT, ROUTE): 2,
        (AIOHTTP, "POST", CHAT): 2,
    }


def wait_for(spans: dict[str, list[Any]], before: dict[str, Any] | None) -> None:
    """Wait until each has the spans of both calls: all that came ``before``, or no more for a while."""

    def of_both_calls() -> bool:
        calls = [
            sum(span.data.name == "litellm_request" for span in found) for found in spans.values()
        ]
        return min(calls) >= 2

    def count() -> int:
        return sum(map(len, spans.values()))

    until(of_both_calls, what="the spans of both calls")
    enough = sum(tree.total() for tree in before.values()) if before else count()
    until(lambda: count() >= enough, what="as many spans as without us")
    settled(count, what="the last of the spans", quiet_for=3.0)
