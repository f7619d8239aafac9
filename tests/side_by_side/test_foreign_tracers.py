"""Other packages that instrument LiteLLM, or the clients below it: one span for each thing that happens."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.side_by_side.running import AIOHTTP, CALLS, CHAT, OURS, observations, run, told, tree

if TYPE_CHECKING:
    from pathlib import Path

    from stack.standins.provider import Provider
    from tests.component.otlp_sink import Sink

# Also to make the environment that it runs in.
pytestmark = pytest.mark.timeout(900)

GENAI, OPENINFERENCE = (
    "opentelemetry.instrumentation.genai.openai",
    "openinference.instrumentation.openai",
)
LITELLMS = ("openinference.instrumentation.litellm", "opentelemetry.instrumentation.litellm")
EMBEDDING = """
async def embed():
    await litellm.aembedding(model="openai/text-embedding-3-small", input=["one"], **WHERE)
"""
OWN_USE = """
import openai
client = openai.OpenAI(base_url=WHERE["api_base"], api_key=WHERE["api_key"])
client.chat.completions.create(model="gpt-4o-mini", messages=ASKED["messages"])
"""


def test_what_litellm_calls_is_traced_once(
    provider: Provider, sink: Sink, tmp_path: Path, everything: Path
) -> None:
    """OpenAI's client is instrumented twice over; within a LiteLLM call neither makes a span, nor counts."""
    code = CALLS + EMBEDDING + "async def main():\n    await calls()\n    await embed()\n"
    done = run(
        tmp_path,
        code + "asyncio.run(main())\n",
        provider.base_url(),
        python=everything,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    embedding = "embeddings text-embedding-3-small"
    assert tree(sink.spans) == OURS + Counter(
        {("litellm_otel", embedding, None): 1, (AIOHTTP, "POST", embedding): 1}
    )
    assert observations(sink, "gen_ai.client.operation.duration") == {"litellm_otel": 4}
    assert set(observations(sink, "gen_ai.client.token.usage")) == {"litellm_otel"}
    posts = [span for span in sink.spans if span.data.name == "POST"]
    sent = Counter((call.traceparent or "-" * 3).split("-")[2] for call in provider.calls)
    assert sent == Counter(span.data.span_id.hex() for span in posts)
    for name in LITELLMS:
        (line,) = (line for line in told(done.stderr) if f"'{name}:" in line)
        assert "left out the LiteLLM instrumentation" in line
    assert len(told(done.stderr)) == len(LITELLMS)


def test_what_the_program_calls_itself_is_theirs_to_trace(
    provider: Provider, sink: Sink, tmp_path: Path, everything: Path
) -> None:
    run(
        tmp_path,
        CALLS + "asyncio.run(calls())\n" + OWN_USE,
        provider.base_url(),
        python=everything,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    theirs = [span for span in sink.spans if span.scope in (GENAI, OPENINFERENCE)]
    assert Counter(span.scope for span in theirs) == {GENAI: 1, OPENINFERENCE: 1}
    durations = observations(sink, "gen_ai.client.operation.duration")
    assert durations == {"litellm_otel": 3, GENAI: 1}


def test_they_stay_if_told_so(
    provider: Provider, sink: Sink, tmp_path: Path, everything: Path
) -> None:
    done = run(
        tmp_path,
        CALLS + "asyncio.run(calls())\n",
        provider.base_url(),
        python=everything,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,anthropic",
        LITELLM_OTEL_FOREIGN_LITELLM="keep",
    )
    assert told(done.stderr) == []
    scopes = Counter(span.scope for span in sink.spans)
    assert scopes["litellm_otel"] == 4
    for name in LITELLMS:
        assert scopes[name] >= 3, name
    names = Counter(span.data.name for span in sink.spans if span.scope == "litellm_otel")
    assert names == {CHAT: 3, "route group": 1}
    assert sink.total("litellm.requests") == 3


BY_HAND = """
from openinference.instrumentation.litellm import LiteLLMInstrumentor
LiteLLMInstrumentor().instrument()
"""
BY_HAND_ELSEWHERE = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from openinference.instrumentation.litellm import LiteLLMInstrumentor
theirs = TracerProvider()
theirs.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(os.environ["THEIRS"] + "/v1/traces")))
LiteLLMInstrumentor().instrument(tracer_provider=theirs)
"""


def test_one_that_the_program_starts_gives_way_too(
    provider: Provider, sink: Sink, tmp_path: Path, everything: Path
) -> None:
    done = run(
        tmp_path,
        CALLS + BY_HAND + "asyncio.run(calls())\n",
        provider.base_url(),
        python=everything,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,anthropic,litellm",
    )
    (line,) = told(done.stderr)
    assert "openinference.instrumentation.litellm:LiteLLMInstrumentor" in line
    assert tree(sink.spans) == OURS


def test_one_with_a_provider_of_its_own_goes_on(
    provider: Provider, sink: Sink, other: Sink, tmp_path: Path, everything: Path
) -> None:
    done = run(
        tmp_path,
        CALLS + BY_HAND_ELSEWHERE + "asyncio.run(calls())\n",
        provider.base_url(),
        python=everything,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,anthropic,litellm",
        THEIRS=other.url,
    )
    assert told(done.stderr) == []
    assert {span.scope for span in other.spans} == {LITELLMS[0]}
    assert len(other.spans) >= 3
    scopes = Counter(span.scope for span in sink.spans)
    assert scopes == {"litellm_otel": 4, AIOHTTP: 3}
