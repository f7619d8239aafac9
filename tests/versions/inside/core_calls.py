"""What has to be right with every LiteLLM version: good calls of each API of text, and how calls end.

The cases are those of the component tests, which hold each attribute against what it should be for one
version. Here are fewer demands, which all versions meet: the right spans, each ended once, with the right
outcome and tokens; one count and one record for the request.
"""

from __future__ import annotations

import asyncio
import gc
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from packaging.version import Version

from tests.component.calls import calling, cases_of_text
from tests.component.calls.case import KEY, MESSAGES, SECRET, Case, Twin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

CASES = (
    *cases_of_text.CHAT,
    *cases_of_text.RESPONSES,
    *cases_of_text.ANTHROPIC,
    # A stream of Google's API is not accounted for by LiteLLM, and each test would wait for that.
    *(case for case in cases_of_text.GEMINI if not case.stream),
)
CALLS = [pytest.param(case, twin, id=f"{case.id}-{twin}") for case in CASES for twin in case.twins]
ROUTED = [
    pytest.param(case, twin, id=f"{case.id}-{twin}") for case in CASES for twin in case.routed
]

BROKEN_BEFORE = {
    # It sends its headers as the value of a header, where an ``api_base`` is given.
    "generate_content": Version("1.81"),
}


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def _skip_if_broken(case: Case) -> None:
    for function, before in BROKEN_BEFORE.items():
        if case.function.startswith(function) and Version(metadata.version("litellm")) < before:
            pytest.skip(f"does not work in LiteLLM before {before}, with telemetry or without")


def check_attempt(span: ReadableSpan, case: Case) -> None:
    given = attributes_of(span)
    name = f"{given['gen_ai.operation.name']} {given['gen_ai.request.model']}"
    assert (span.name, span.kind) == (name, SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    assert given["litellm.outcome"] == "completed"
    for field, name in (
        ("input_tokens", "gen_ai.usage.input_tokens"),
        ("output_tokens", "gen_ai.usage.output_tokens"),
    ):
        if field in case.usage:
            assert given[name] == case.usage[field]
    assert given.get("litellm.usage.estimated", False) is case.estimated
    if case.stream:
        assert given["litellm.stream.chunks"] > 0


def check_request(recorded: Recorded, requested: str, provider: str, status: str) -> None:
    labels = {"model": requested, "provider": provider, "status": status}
    assert recorded.increments("litellm.requests") == {frozenset(labels.items()): 1}
    assert len(recorded.requests()) == 1
    assert SECRET not in recorded.everything()
    assert KEY not in recorded.everything()


@pytest.mark.usefixtures("account_awaited")
@pytest.mark.parametrize(("case", "twin"), CALLS)
async def test_sdk(recorded: Recorded, provider: Provider, case: Case, twin: Twin) -> None:
    try:
        case.called(twin)
    except (AttributeError, ImportError):
        pytest.skip("this LiteLLM has no such function")
    _skip_if_broken(case)
    await calling.through_sdk(case, twin, provider)
    await asyncio.to_thread(recorded.settle)
    span, *within = recorded.spans()
    assert len(within) == len(case.within)
    check_attempt(span, case)
    check_request(recorded, f"{case.provider}/{case.model}", case.provider, "success")


@pytest.mark.usefixtures("account_awaited")
@pytest.mark.parametrize(("case", "twin"), ROUTED)
async def test_router(recorded: Recorded, provider: Provider, case: Case, twin: Twin) -> None:
    from litellm import Router

    if not hasattr(Router(model_list=[]), case.router_method(twin)):
        pytest.skip("a Router of this LiteLLM has no such method")
    _skip_if_broken(case)
    await calling.through_router(case, twin, provider)
    await asyncio.to_thread(recorded.settle)
    route, attempt, *_ = recorded.spans()
    assert (route.name, route.kind) == (f"route {calling.GROUP}", SpanKind.INTERNAL)
    assert attributes_of(route)["litellm.outcome"] == "completed"
    assert attempt.parent is not None
    assert attempt.parent.span_id == route.context.span_id
    check_attempt(attempt, case)
    assert attributes_of(attempt)["litellm.deployment.id"] == calling.DEPLOYMENT
    check_request(recorded, calling.GROUP, case.provider, "success")


# -- how calls end ----------------------------------------------------------------------------


def chat(provider: Provider, behaviour: str, **more: Any) -> dict[str, Any]:
    return {
        "model": f"openai/gpt-4o@{behaviour}",
        "messages": MESSAGES,
        "api_base": provider.base_url(),
        "api_key": KEY,
        "max_retries": 0,
        **more,
    }


async def _fails(given: dict[str, Any], _: Provider) -> None:
    import litellm

    with pytest.raises(litellm.InternalServerError):
        await litellm.acompletion(**given)


async def _fails_synchronously(given: dict[str, Any], _: Provider) -> None:
    import litellm

    with pytest.raises(litellm.InternalServerError):
        await asyncio.to_thread(litellm.completion, **given)


async def _breaks(given: dict[str, Any], _: Provider) -> None:
    import litellm

    def read() -> None:
        for _ in litellm.completion(**given):
            pass

    # Which class it is of is LiteLLM's affair, and changed.
    with pytest.raises(Exception, match="incomplete chunked read"):
        await asyncio.to_thread(read)


async def _closes(given: dict[str, Any], _: Provider) -> None:
    import litellm

    stream = await litellm.acompletion(**given)
    await stream.__anext__()
    if not hasattr(stream, "aclose"):
        pytest.skip("streams of this LiteLLM can't be closed")
    await stream.aclose()


async def _drops(given: dict[str, Any], _: Provider) -> None:
    import litellm

    stream = await litellm.acompletion(**given)
    await stream.__anext__()
    del stream
    gc.collect()


async def _cancels(given: dict[str, Any], provider: Provider) -> None:
    """When the provider has been asked, or of a stream the first chunk is there."""
    import litellm

    asked, chunks = len(provider.calls), list[Any]()

    async def call() -> None:
        async for chunk in await litellm.acompletion(**given):
            chunks.append(chunk)  # not a comprehension: the first is waited for

    task = asyncio.create_task(call())
    while not (chunks if given["stream"] else len(provider.calls) > asked):  # noqa: ASYNC110 - of another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("how", "behaviour", "stream", "outcome", "status"),
    [
        (_fails, "server-error", False, "error", "error"),
        (_fails, "server-error", True, "error", "error"),
        (_fails_synchronously, "server-error", False, "error", "error"),
        (_breaks, "broken-stream-after-3", True, "error", "error"),
        (_closes, "slow-20ms", True, "cancelled", "cancelled"),
        (_drops, "slow-20ms", True, "abandoned", "cancelled"),
        (_cancels, "slow-9000ms", False, "cancelled", "cancelled"),
        (_cancels, "slow-9000ms-after-4", True, "cancelled", "cancelled"),
    ],
)
async def test_ending(
    recorded: Recorded,
    provider: Provider,
    how: Callable[[dict[str, Any], Provider], Awaitable[None]],
    behaviour: str,
    stream: bool,
    outcome: str,
    status: str,
) -> None:
    given = chat(provider, behaviour, stream=stream)
    await how(given, provider)
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    assert attributes_of(span)["litellm.outcome"] == outcome
    assert (span.status.status_code is StatusCode.ERROR) is (outcome == "error")
    check_request(recorded, given["model"], "openai", status)


async def test_cache_hit(recorded: Recorded, provider: Provider) -> None:
    import litellm
    from litellm.caching.caching import Cache

    litellm.cache = Cache()
    try:
        given = chat(provider, "ok", caching=True)
        await litellm.acompletion(**given)
        while not litellm.cache.cache.cache_dict:  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.01)
        asked = len(provider.calls)
        await litellm.acompletion(**given)
        assert len(provider.calls) == asked
    finally:
        litellm.cache = None
    await asyncio.to_thread(recorded.settle)
    sent, cached = recorded.spans()
    assert (sent.kind, cached.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert attributes_of(cached)["litellm.cache.hit"] is True


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_retried_then_fallen_back(
    recorded: Recorded, provider: Provider, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from litellm import Router

    monkeypatch.setattr("litellm.constants.INITIAL_RETRY_DELAY", 0.01)
    groups = {"first": "openai/gpt-4o@unavailable", "second": "openai/gpt-4o-mini"}
    router = Router(
        model_list=[
            {
                "model_name": group,
                "litellm_params": {
                    "model": model,
                    "api_base": provider.base_url(),
                    "api_key": KEY,
                    "max_retries": 0,
                },
            }
            for group, model in groups.items()
        ],
        fallbacks=[{"first": ["second"]}],
        num_retries=1,
        retry_after=0,
        disable_cooldowns=True,
    )
    answer = await router.acompletion("first", messages=MESSAGES, stream=stream)
    if stream:
        async for _ in answer:
            pass
    await asyncio.to_thread(recorded.settle)
    route, *attempts = recorded.spans()
    given = attributes_of(route)
    assert (given["litellm.attempts"], given["litellm.fallbacks"]) == (3, 1)
    assert [attributes_of(span)["litellm.outcome"] for span in attempts] == [
        "error",
        "error",
        "completed",
    ]
    assert all(span.parent and span.parent.span_id == route.context.span_id for span in attempts)
    check_request(recorded, "first", "openai", "success")


async def test_cooldown(recorded: Recorded, provider: Provider) -> None:
    import litellm
    from litellm import Router

    # Every Router leaves callbacks behind, and LiteLLM takes no more than thirty.
    litellm.logging_callback_manager._reset_all_callbacks()
    given = chat(provider, "bad-key")
    del given["messages"]
    router = Router(
        model_list=[{"model_name": "first", "litellm_params": given, "model_info": {"id": "one"}}],
        num_retries=0,
        cooldown_time=30,
    )
    with pytest.raises(litellm.AuthenticationError):
        await router.acompletion("first", messages=MESSAGES)
    await asyncio.to_thread(recorded.settle)
    (event,) = [event for span in recorded.spans() for event in span.events]
    assert event.name == "litellm.deployment.cooldown"
    assert dict(event.attributes or {})["litellm.deployment.id"] == "one"
