"""Entry points that are made of others: what is one call is counted once, what is not is counted itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.calls.recorded import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

MESSAGES = [{"role": "user", "content": "A question for somebody else."}]


def options(provider: Provider) -> dict[str, Any]:
    return {"api_base": provider.base_url(), "api_key": "sk-0123456789"}


def tokens(recorded: Recorded) -> float:
    return sum(recorded.increments("litellm_total_tokens_metric").values())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("function", ["anthropic_messages", "agenerate_content"])
async def test_an_api_answered_through_another_is_one_attempt(
    recorded: Recorded,
    provider: Provider,
    function: str,
    stream: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LiteLLM answers Anthropic's and Google's APIs for OpenAI's models through its other entry points."""
    import litellm
    from litellm import google_genai

    owner: Any = litellm
    if function == "anthropic_messages":
        monkeypatch.setattr("litellm_otel.recorder.COMPLETED_STREAM_GRACE", DEADLINE)
        given: dict[str, Any] = {"messages": MESSAGES, "max_tokens": 8, "stream": stream}
    else:
        function += "_stream" if stream else ""
        owner = google_genai
        given = {"contents": [{"role": "user", "parts": [{"text": "A question."}]}]}
    answer = await getattr(owner, function)(model="openai/gpt-4o", **given, **options(provider))
    if stream:
        async for _ in answer:
            pass
    await asyncio.to_thread(recorded.settle)

    (span,) = recorded.spans()
    given = dict(span.attributes or {})
    assert given["litellm.call.type"] == function
    assert given["litellm.outcome"] == "completed"
    if function == "agenerate_content_stream":
        assert "litellm.cost" not in given  # LiteLLM loses the tokens of these and makes it 0
    else:
        assert given["litellm.cost"] > 0
    used = given["gen_ai.usage.input_tokens"] + given["gen_ai.usage.output_tokens"]
    assert tokens(recorded) == used > 0
    assert sum(recorded.increments("litellm.requests").values()) == 1
    assert sum(recorded.increments("gen_ai.client.operation.duration").values()) == 1
    assert len(recorded.requests()) == 1


@pytest.fixture
def own_provider(provider: Provider) -> Iterator[str]:
    """A provider of the user's own, which asks LiteLLM in its turn."""
    import litellm
    from litellm import CustomLLM

    class Relay(CustomLLM):
        def completion(self, *args: Any, **kwargs: Any) -> Any:
            return litellm.completion("openai/gpt-4o", messages=MESSAGES, **options(provider))

        async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
            return await litellm.acompletion(
                "openai/gpt-4o", messages=MESSAGES, **options(provider)
            )

    before = list(litellm.custom_provider_map)
    litellm.custom_provider_map = [{"provider": "relay", "custom_handler": Relay()}]
    yield "relay/any"
    litellm.custom_provider_map = before


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
async def test_a_call_made_by_a_provider_of_the_users_own(
    recorded: Recorded, own_provider: str, asynchronous: bool
) -> None:
    import litellm

    if asynchronous:
        await litellm.acompletion(own_provider, messages=MESSAGES)
    else:
        litellm.completion(own_provider, messages=MESSAGES)
    await asyncio.to_thread(recorded.settle)

    outer, inner = recorded.spans()
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id
    told = dict(inner.attributes or {})
    assert (told["litellm.provider"], told["litellm.attempt.number"]) == ("openai", 1)
    assert "litellm.attempt.delegated" not in told
    assert (outer.attributes or {})["litellm.attempt.delegated"] is True
    used = told["gen_ai.usage.input_tokens"] + told["gen_ai.usage.output_tokens"]
    assert tokens(recorded) == used > 0, "counted where they were used, and only there"
    ((series, count),) = recorded.increments("litellm.requests").items()
    assert (dict(series)["model"], count) == (own_provider, 1)
    (record,) = recorded.requests()
    assert record.attributes["litellm.provider"] == "relay"
    assert record.attributes["litellm.attempts"] == 1
