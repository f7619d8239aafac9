"""Every way a call can end: one ended span for each attempt, one count and one record for the request."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.component.calls.recorded import until

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

PROMPT = "A question that must not travel."
MESSAGES = [{"role": "user", "content": PROMPT}]
KEY = "sk-planted-0123456789abcdef"


def options(provider: Provider, behaviour: str, **more: Any) -> dict[str, Any]:
    return {
        "model": f"openai/gpt-4o@{behaviour}",
        "messages": MESSAGES,
        "api_base": provider.base_url(),
        "api_key": KEY,
        "max_retries": 0,
        **more,
    }


async def read(given: dict[str, Any], asynchronous: bool, into: list[Any] | None = None) -> None:
    """Make the call, and read its stream if it is one."""
    import litellm

    chunks = [] if into is None else into
    if asynchronous:
        answer = await litellm.acompletion(**given)
        if given.get("stream"):
            async for chunk in answer:
                chunks.append(chunk)  # not a comprehension: what came before an error counts
    else:
        answer = litellm.completion(**given)
        if given.get("stream"):
            for chunk in answer:
                chunks.append(chunk)


def statuses(recorded: Recorded) -> dict[str, float]:
    return {
        dict(attributes)["status"]: count
        for attributes, count in recorded.increments("litellm.requests").items()
    }


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize(
    ("behaviour", "error", "kind", "status"),
    [
        ("server-error", "InternalServerError", "server", "error"),
        ("unavailable", "ServiceUnavailableError", "server", "error"),
        ("rate-limit", "RateLimitError", "rate_limit", "error"),
        ("quota", "RateLimitError", "quota", "error"),
        ("bad-key", "AuthenticationError", "auth", "error"),
        ("bad-request", "BadRequestError", "bad_request", "rejected"),
    ],
)
async def test_provider_error(
    recorded: Recorded,
    provider: Provider,
    behaviour: str,
    error: str,
    kind: str,
    status: str,
    asynchronous: bool,
    stream: bool,
) -> None:
    import litellm

    given = options(provider, behaviour, stream=stream)
    with pytest.raises(getattr(litellm, error)):
        await read(given, asynchronous)
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == error
    assert span.attributes["litellm.outcome"] == "error"
    assert statuses(recorded) == {status: 1}
    ((errors, count),) = recorded.increments("litellm.provider.errors").items()
    assert (dict(errors)["kind"], count) == (kind, 1)
    (record,) = recorded.requests()
    assert record.attributes["error.type"] == error


async def test_secret_and_content_in_a_provider_error(
    recorded: Recorded, provider: Provider
) -> None:
    import litellm

    with pytest.raises(litellm.InternalServerError, match=KEY):
        await litellm.acompletion(**options(provider, "leaky-error"))
    assert recorded.spans()[0].status.description
    left = recorded.everything()
    assert KEY not in left
    assert PROMPT not in left


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
async def test_error_in_mid_stream(
    recorded: Recorded, provider: Provider, asynchronous: bool
) -> None:
    import litellm

    seen: list[Any] = []
    with pytest.raises((litellm.APIError, litellm.exceptions.MidStreamFallbackError)):
        await read(options(provider, "broken-stream-after-3", stream=True), asynchronous, seen)
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    assert span.attributes is not None
    assert span.attributes["litellm.outcome"] == "error"
    assert span.attributes["litellm.stream.chunks"] == len(seen) > 0
    assert span.attributes["gen_ai.usage.output_tokens"] > 0
    assert statuses(recorded) == {"error": 1}


async def test_stream_closed_early(recorded: Recorded, provider: Provider) -> None:
    import litellm

    stream = await litellm.acompletion(**options(provider, "slow-20ms", stream=True))
    async for _ in stream:
        break
    await stream.aclose()
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    assert span.attributes is not None
    assert span.attributes["litellm.outcome"] == "cancelled"
    assert span.attributes["litellm.stream.chunks"] == 1
    assert span.status.status_code is StatusCode.UNSET
    assert statuses(recorded) == {"cancelled": 1}
    assert len(recorded.requests()) == 1


@pytest.mark.parametrize("chunks", [0, 1], ids=["never read", "dropped half-way"])
async def test_stream_abandoned(recorded: Recorded, provider: Provider, chunks: int) -> None:
    import litellm

    stream = await litellm.acompletion(**options(provider, "slow-20ms", stream=True))
    for _ in range(chunks):
        await stream.__anext__()
    del stream
    gc.collect()
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    assert span.attributes is not None
    assert span.attributes["litellm.outcome"] == "abandoned"
    assert statuses(recorded) == {"cancelled": 1}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_task_cancelled(recorded: Recorded, provider: Provider, stream: bool) -> None:
    import litellm

    async def read() -> None:
        answer = await litellm.acompletion(**options(provider, "slow-300ms", stream=stream))
        async for _ in answer:
            pass

    asked = len(provider.calls)
    task = asyncio.create_task(read())
    while len(provider.calls) == asked:  # noqa: ASYNC110 - the provider is in another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    assert span.attributes is not None
    assert span.attributes["litellm.outcome"] == "cancelled"
    assert statuses(recorded) == {"cancelled": 1}


def fallback_router(provider: Provider, behaviour: str, **more: Any) -> Any:
    from litellm import Router

    def deployment(group: str, model: str) -> dict[str, Any]:
        return {
            "model_name": group,
            "litellm_params": {
                "model": model,
                "api_base": provider.base_url(),
                "api_key": KEY,
                "max_retries": 0,
            },
            "model_info": {"id": f"deployment-of-{group}"},
        }

    return Router(
        model_list=[
            deployment("first", f"openai/gpt-4o@{behaviour}"),
            deployment("second", "openai/gpt-4o-mini"),
        ],
        fallbacks=[{"first": ["second"]}],
        num_retries=1,
        retry_after=0,
        **more,
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_retried_then_fallen_back(
    recorded: Recorded, provider: Provider, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("litellm.constants.INITIAL_RETRY_DELAY", 0.01)
    router = fallback_router(provider, "unavailable", disable_cooldowns=True)
    answer = await router.acompletion("first", messages=MESSAGES, stream=stream)
    if stream:
        async for _ in answer:
            pass

    await asyncio.to_thread(recorded.settle)
    route, *attempts = recorded.spans()
    assert (route.name, route.kind) == ("route first", SpanKind.INTERNAL)
    assert route.attributes is not None
    assert route.attributes["litellm.attempts"] == 3
    assert route.attributes["litellm.fallbacks"] == 1
    assert route.attributes["litellm.outcome"] == "completed"
    facts = [
        {
            name: (span.attributes or {}).get(name)
            for name in (
                "litellm.attempt.number",
                "litellm.retry.number",
                "litellm.fallback.number",
                "litellm.fallback.from",
                "litellm.attempt.reason",
                "litellm.model_group",
                "error.type",
            )
        }
        for span in attempts
    ]
    error = "ServiceUnavailableError"
    expected = [
        (1, 0, 0, None, None, "first", error),
        (2, 1, 0, None, error, "first", error),
        (3, 0, 1, "first", error, "second", None),
    ]
    assert [tuple(fact.values()) for fact in facts] == expected
    assert all(span.parent and span.parent.span_id == route.context.span_id for span in attempts)
    assert statuses(recorded) == {"success": 1}
    assert sum(recorded.increments("litellm.provider.errors").values()) == 2
    (record,) = recorded.requests()
    assert record.attributes["litellm.attempts"] == 3
    assert record.attributes["litellm.model_group"] == "first"
    assert "error.type" not in record.attributes


async def test_fallback_in_mid_stream(recorded: Recorded, provider: Provider) -> None:
    """A stream that fails before its first chunk goes on with the fallback, in the same call."""
    router = fallback_router(provider, "broken-stream-after-0", disable_cooldowns=True)
    async for _ in await router.acompletion("first", messages=MESSAGES, stream=True):
        pass
    await asyncio.to_thread(recorded.settle)
    route, *attempts = recorded.spans()
    assert route.name == "route first"
    outcomes = [(span.attributes or {})["litellm.outcome"] for span in attempts]
    assert (outcomes[0], outcomes[-1]) == ("error", "completed")
    assert all(span.parent and span.parent.span_id == route.context.span_id for span in attempts)
    assert statuses(recorded) == {"success": 1}


async def test_cooldown_is_an_event(recorded: Recorded, provider: Provider) -> None:
    import litellm

    router = fallback_router(provider, "bad-key", cooldown_time=30)
    router.fallbacks = []
    with pytest.raises(litellm.AuthenticationError):
        await router.acompletion("first", messages=MESSAGES)
    await asyncio.to_thread(recorded.settle)
    events = [event for span in recorded.spans() for event in span.events]
    assert [event.name for event in events] == ["litellm.deployment.cooldown"]
    assert dict(events[0].attributes or {})["litellm.deployment.id"] == "deployment-of-first"


async def test_retries_of_the_sdk_are_attempts(recorded: Recorded, provider: Provider) -> None:
    import litellm

    # With openai/ LiteLLM hands the number on to OpenAI's client, which retries inside one attempt.
    given = options(provider, "rate-limit-first-1", num_retries=2)
    given["model"] = "hosted_vllm/gpt-4o@rate-limit-first-1"
    given["messages"] = [{"role": "user", "content": "retried by the SDK"}]
    await litellm.acompletion(**given)
    await asyncio.to_thread(recorded.settle)
    first, second = recorded.spans()
    assert (first.attributes or {})["error.type"] == "RateLimitError"
    assert (second.attributes or {})["litellm.attempt.number"] == 2
    assert statuses(recorded) == {"success": 1}


async def test_cache_hit_asks_no_provider(recorded: Recorded, provider: Provider) -> None:
    import litellm
    from litellm.caching.caching import Cache

    litellm.cache = Cache()
    try:
        given = options(provider, "slow-1ms", caching=True)
        await litellm.acompletion(**given)
        await asyncio.sleep(0)
        asked = len(provider.calls)
        until(lambda: bool(litellm.cache.cache.cache_dict))
        await litellm.acompletion(**given)
        assert len(provider.calls) == asked
    finally:
        litellm.cache = None
    await asyncio.to_thread(recorded.settle)
    sent, cached = recorded.spans()
    assert sent.kind is SpanKind.CLIENT
    assert cached.kind is SpanKind.INTERNAL
    assert (cached.attributes or {})["litellm.cache.hit"] is True
    assert statuses(recorded) == {"success": 2}


async def test_what_breaks_in_telemetry_changes_nothing(
    recorded: Recorded,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import litellm

    from litellm_otel import boundary
    from litellm_otel.hooks import entry_points

    monkeypatch.setattr(boundary, "_reported", set())

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("telemetry is broken")

    for name in ("response_of", "parameters_of", "hidden_params_of", "metadata_of"):
        with monkeypatch.context() as patched:
            patched.setattr(entry_points, name, broken)
            answer = await litellm.acompletion(**options(provider, "slow-1ms"))
            assert answer.choices[0].message.content
            with pytest.raises(litellm.InternalServerError):
                await litellm.acompletion(**options(provider, "server-error"))
    lines = [record for record in caplog.records if record.name == "litellm_otel"]
    assert lines
    assert len({record.getMessage() for record in lines}) == len(lines), "said more than once"
