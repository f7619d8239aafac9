"""LiteLLM's own callbacks in a program: which gives way, which goes on, and that it sees what it did."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.side_by_side import backends
from tests.side_by_side.backends import Backend
from tests.side_by_side.running import CALLS, CONTENT, OURS, observations, run, shape, told, tree

if TYPE_CHECKING:
    from pathlib import Path

    from stack.standins.provider import Provider
    from tests.component.otlp_sink import Sink
    from tests.side_by_side.backends import Endpoint

# Also to make the environment that it runs in.
pytestmark = pytest.mark.timeout(900)

IN_CHARGE = "LiteLLM's own 'otel' callback is on too"
# Everything that the callback of its own accord has to send.
FULL = {
    "LITELLM_OTEL_INTEGRATION_ENABLE_METRICS": "true",
    "LITELLM_OTEL_INTEGRATION_ENABLE_EVENTS": "true",
}
GENERATIONS = {"first": {}, "second": {"LITELLM_OTEL_V2": "true"}}
GENAI = {"gen_ai.client.operation.duration": 3, "gen_ai.client.token.usage": 6}


def with_callbacks(*names: str) -> str:
    return (
        CALLS
        + f"litellm.callbacks = {list(names)!r}\n"
        + "async def main():\n"
        + "    await calls()\n"
        # LiteLLM logs behind the calls; Datadog's callbacks send by the clock.
        + "    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER\n"
        + "    await asyncio.sleep(0)  # the last call is only now given to it\n"
        + "    await GLOBAL_LOGGING_WORKER.flush()\n"
        + "    for callback in litellm.logging_callback_manager._get_all_callbacks():\n"
        + "        if getattr(callback, 'flush_lock', None) is not None:\n"
        + "            await callback.flush_queue()\n"
        + "asyncio.run(main())\n"
    )


@pytest.mark.parametrize("generation", GENERATIONS)
class TestOtel:
    def test_gives_way_with_one_line(
        self, generation: str, provider: Provider, sink: Sink, tmp_path: Path
    ) -> None:
        env = {**FULL, **GENERATIONS[generation], "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        done = run(tmp_path, with_callbacks("otel"), provider.base_url(), **env)
        (line,) = done.stderr.splitlines()
        assert IN_CHARGE in line
        assert "litellm-otel is in charge" in line
        assert tree(sink.spans) == OURS
        for name, count in GENAI.items():
            assert observations(sink, name) == {"litellm_otel": count}
        assert sink.total("litellm.requests") == 3
        assert Counter(log.data.event_name for log in sink.logs) == {"litellm.request": 3}
        assert CONTENT not in str([item.data for item in (*sink.spans, *sink.logs)])

    def test_stays_if_told_so(
        self, generation: str, provider: Provider, sink: Sink, tmp_path: Path
    ) -> None:
        env = {**FULL, **GENERATIONS[generation], "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        env["LITELLM_OTEL_LITELLM_CALLBACK"] = "keep"
        done = run(tmp_path, with_callbacks("otel"), provider.base_url(), **env)
        assert told(done.stderr) == []
        theirs = [span for span in sink.spans if span.scope == "litellm"]
        calls = {"first": "litellm_request", "second": "chat "}[generation]
        assert len([span for span in theirs if span.data.name.startswith(calls)]) == 3
        ours = [span for span in sink.spans if span.scope != "litellm"]
        assert tree(ours) == OURS
        assert CONTENT not in str([span.data for span in ours])
        assert observations(sink, "gen_ai.client.operation.duration").total() == 6

    def test_one_that_sends_elsewhere_goes_on(
        self, generation: str, provider: Provider, sink: Sink, other: Sink, tmp_path: Path
    ) -> None:
        classes = {
            "first": ("opentelemetry", "OpenTelemetry", "OpenTelemetryConfig", ""),
            "second": (
                "otel.logger",
                "OpenTelemetryV2",
                "OpenTelemetryV2Config",
                ".otel.model.config",
            ),
        }
        module, kind, config, where = classes[generation]
        code = with_callbacks() + ""
        code = code.replace(
            "litellm.callbacks = []",
            f"from litellm.integrations.{module} import {kind}\n"
            f"from litellm.integrations{where or '.' + module} import {config}\n"
            f"litellm.callbacks = [{kind}(config={config}("
            f"exporter='otlp_http', endpoint={other.url!r}))]",
        )
        env = {**FULL, **GENERATIONS[generation], "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        done = run(tmp_path, code, provider.base_url(), **env)
        assert done.stderr == ""
        assert tree(sink.spans) == OURS
        calls = {"first": "litellm_request", "second": "chat "}[generation]
        assert len([span for span in other.spans if span.data.name.startswith(calls)]) == 3
        assert {span.scope for span in other.spans} == {"litellm"}


def test_prometheus_is_told_of_once(provider: Provider, sink: Sink, tmp_path: Path) -> None:
    done = run(
        tmp_path,
        with_callbacks("prometheus")
        + "from prometheus_client import REGISTRY\n"
        + "print(sum(s.value for m in REGISTRY.collect() for s in m.samples\n"
        + "      if s.name == 'litellm_requests_metric_total'))\n",
        provider.base_url(),
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    (line,) = told(done.stderr)
    assert "LiteLLM's own 'prometheus' callback is on too" in line
    assert float(done.stdout) == 3, "it counts as before"
    assert tree(sink.spans) == OURS
    assert sink.total("litellm.requests") == 3


def test_prometheus_does_not_serve_what_is_ours(provider: Provider, tmp_path: Path) -> None:
    """Both serve /metrics: the process' own registry has LiteLLM's, our port has ours."""
    from stack.ports import free_port

    port = free_port()
    done = run(
        tmp_path,
        with_callbacks("prometheus")
        + "import json, urllib.request\n"
        + "from prometheus_client import generate_latest\n"
        + f"ours = urllib.request.urlopen('http://localhost:{port}/metrics').read().decode()\n"
        + "print(json.dumps([generate_latest().decode(), ours]))\n",
        provider.base_url(),
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    theirs, ours = (
        Counter(line.split()[2] for line in text.splitlines() if line.startswith("# TYPE"))
        for text in json.loads(done.stdout)
    )
    assert "litellm_requests_total" in ours
    assert "litellm_requests_metric_total" in theirs
    assert "litellm_requests_total" not in theirs
    assert "python_info" in theirs
    assert "python_info" not in ours
    # Names that both have are on a page once: Prometheus refuses one that has them twice.
    assert set(theirs.values()) == set(ours.values()) == {1}


DESTINATIONS: dict[str, tuple[dict[str, Endpoint], dict[str, str]]] = {
    "arize_phoenix": (
        backends.PHOENIX,
        {
            "PHOENIX_COLLECTOR_HTTP_ENDPOINT": "{url}",
            "PHOENIX_API_KEY": backends.PHOENIX_KEY,
        },
    ),
    "arize": (
        backends.ARIZE,
        {
            "ARIZE_HTTP_ENDPOINT": "{url}/v1/traces",
            "ARIZE_SPACE_ID": backends.ARIZE_SPACE,
            "ARIZE_API_KEY": backends.ARIZE_KEY,
        },
    ),
    "langfuse_otel": (backends.LANGFUSE, {"LANGFUSE_OTEL_HOST": "{url}", **backends.LANGFUSE_KEYS}),
    "langfuse": (backends.LANGFUSE, {"LANGFUSE_HOST": "{url}", **backends.LANGFUSE_KEYS}),
    "datadog": (
        backends.DATADOG,
        {"DD_BASE_URL": "{url}", "DD_API_KEY": backends.DATADOG_KEY, "DD_SITE": "datadoghq.com"},
    ),
    "datadog_llm_observability": (backends.DATADOG, {}),
}
"""Callback: its backend, and the settings that lead there. Both of Datadog's go by the same ones."""
ALIKE = {"first": set(DESTINATIONS), "second": {"langfuse_otel"}}
"""Of several presets of its second generation LiteLLM itself serves only the first."""


@pytest.mark.parametrize("generation", GENERATIONS)
def test_who_sends_elsewhere_sends_what_it_did(
    generation: str, provider: Provider, sink: Sink, tmp_path: Path, everything: Path
) -> None:
    """The same program without us and with us: no backend can tell the difference."""
    callbacks = [name for name in DESTINATIONS if name in ALIKE[generation]]
    seen: list[dict[str, dict[str, Counter[Any]]]] = []
    for instrumented in (False, True):
        with ExitStack() as stack:
            env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url} if instrumented else {}
            # Only when told to: what comes while Datadog's callback sends by the clock, it forgets.
            env["DEFAULT_FLUSH_INTERVAL_SECONDS"] = "3600"
            there = {}
            for name in callbacks:
                endpoints, variables = DESTINATIONS[name]
                there[name] = stack.enter_context(Backend(endpoints))
                for key, value in variables.items():
                    env[key] = value.format(url=there[name].url)
            done = run(
                tmp_path,
                with_callbacks(*callbacks),
                provider.base_url(),
                python=everything,
                instrumented=instrumented,
                OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,anthropic,litellm",
                **GENERATIONS[generation],
                **env,
            )
        assert told(done.stderr) == []
        assert [backend.refused for backend in there.values() if backend.refused] == []
        seen.append({name: received(backend) for name, backend in there.items()})
    bare, beside = seen
    for name in callbacks:
        if name != "datadog_llm_observability":
            assert bare[name]["tree"] or bare[name]["documents"], f"{name} works as started here"
        assert beside[name].keys() == bare[name].keys()
        for what, there_without in bare[name].items():
            more, less = beside[name][what] - there_without, there_without - beside[name][what]
            assert (more, less) == (Counter(), Counter()), f"{name}: {what}"
    assert tree(sink.spans) == OURS


def received(backend: Backend) -> dict[str, Counter[Any]]:
    """What a backend was told, without what differs from one run to the next."""
    # The second generation makes spans of phases only as the maker of all spans.
    spans = [span for span in backend.spans if not span.data.name.startswith("route ")]
    return {
        "tree": tree(spans),
        "spans": Counter(
            json.dumps(
                [span.data.name, span.data.kind, span.data.status.code, shape(span.attributes)]
            )
            for span in spans
        ),
        "resources": Counter({json.dumps(shape(span.resource)) for span in spans}),
        "documents": Counter(json.dumps(shape(item)) for item in single(backend.documents)),
    }


def single(documents: list[Any]) -> list[Any]:
    """Log lines and spans one by one: how many come at once is a matter of the clock."""
    items: list[Any] = []
    for document in documents:
        if isinstance(document, list):
            items.extend(document)
        else:
            items.extend(document["data"]["attributes"]["spans"])
    return items
