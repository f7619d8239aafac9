"""What goes past LiteLLM's decorator, or through it more than once: one request, one call, its attempts."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.component.tools_and_agents import agent, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

PROMPT = "A question between two people."
MESSAGES = [{"role": "user", "content": PROMPT}]
KEY = "sk-outside-0123456789abcdef"


@pytest.fixture(autouse=True)
def no_leftover_settings(instrumented: Recorded) -> Iterator[None]:
    import litellm

    yield
    litellm.num_retries = None
    litellm.model_fallbacks = None


def options(provider: Provider, model: str | None = None, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"api_base": provider.base_url(), "api_key": KEY, **more}
    return {**given, "model": model} if model else given


async def made(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call either twin; what is not asynchronous in a thread, as an application would."""
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


async def settled(recorded: Recorded) -> list[ReadableSpan]:
    await asyncio.to_thread(recorded.settle)
    return recorded.spans()


def statuses(recorded: Recorded) -> dict[tuple[str, str, str], float]:
    """Requests counted, by model, provider and status."""
    return {
        (dict(labels)["model"], dict(labels)["provider"], dict(labels)["status"]): count
        for labels, count in recorded.increments("litellm.requests").items()
    }


def given(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def names(spans: Sequence[ReadableSpan]) -> list[str]:
    return [span.name for span in spans]


def is_child(span: ReadableSpan, of: ReadableSpan) -> bool:
    return span.parent is not None and span.parent.span_id == of.context.span_id


def nothing_leaked(recorded: Recorded) -> None:
    left = recorded.everything()
    assert PROMPT not in left
    assert KEY not in left


# -- assistants --------------------------------------------------------------------------------

ASSISTANTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("get_assistants", "aget_assistants", "get_assistants", {}),
    (
        "create_assistants",
        "acreate_assistants",
        "create_agent",
        {"model": "gpt-4o", "instructions": PROMPT, "name": "helper"},
    ),
    (
        "delete_assistant",
        "adelete_assistant",
        "delete_assistant",
        {"assistant_id": "asst_1"},
    ),
    ("create_thread", "acreate_thread", "create_thread", {"messages": MESSAGES}),
    ("get_thread", "aget_thread", "get_thread", {"thread_id": "thread_1"}),
    (
        "add_message",
        "a_add_message",
        "add_message",
        {"thread_id": "thread_1", "role": "user", "content": PROMPT},
    ),
    ("get_messages", "aget_messages", "get_messages", {"thread_id": "thread_1"}),
    (
        "run_thread",
        "arun_thread",
        "invoke_agent",
        {"thread_id": "thread_1", "assistant_id": "asst_1", "instructions": PROMPT},
    ),
)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("case", ASSISTANTS, ids=lambda case: case[0])
async def test_assistants(
    recorded: Recorded, provider: Provider, case: tuple[str, str, str, Any], asynchronous: bool
) -> None:
    import litellm

    function, operation, arguments = case[asynchronous], case[2], case[3]
    await made(
        getattr(litellm, function),
        custom_llm_provider="openai",
        **options(provider),
        **arguments,
    )
    (span,) = await settled(recorded)
    model = arguments.get("model", "")
    assert span.name == operation
    assert (span.kind, span.parent) == (SpanKind.CLIENT, None)
    assert span.status.status_code is StatusCode.UNSET
    about = given(span)
    assert about["gen_ai.operation.name"] == operation
    assert about["gen_ai.provider.name"] == "openai"
    assert about["server.port"] == provider.port
    assert about["litellm.outcome"] == "completed"
    assert about["litellm.call.type"] == function
    if operation == "invoke_agent":
        assert about["gen_ai.usage.input_tokens"] == 12
        assert about["gen_ai.usage.output_tokens"] == 3
    assert statuses(recorded) == {(model or "other", "openai", "success"): 1}
    (record,) = recorded.requests()
    assert record.attributes["litellm.outcome"] == "completed"
    assert record.trace_id == span.context.trace_id
    nothing_leaked(recorded)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_failing_assistant(
    recorded: Recorded, provider: Provider, asynchronous: bool
) -> None:
    import litellm
    import openai

    function = litellm.acreate_assistants if asynchronous else litellm.create_assistants
    with pytest.raises(openai.APIError):
        await made(
            function,
            custom_llm_provider="openai",
            max_retries=0,
            instructions=PROMPT,
            **options(provider, "gpt-4o@server-error"),
        )
    (span,) = await settled(recorded)
    assert span.status.status_code is StatusCode.ERROR
    assert given(span)["error.type"] == "InternalServerError"
    assert statuses(recorded) == {("gpt-4o@server-error", "openai", "error"): 1}
    assert len(recorded.requests()) == 1
    nothing_leaked(recorded)


async def run_streamed(provider: Provider, asynchronous: bool, *, read: int = -1) -> int:
    """Events read of a streamed run: all, or the first few."""
    import litellm

    arguments = {
        "custom_llm_provider": "openai",
        "thread_id": "thread_1",
        "assistant_id": "asst_1",
        **options(provider),
    }
    seen = 0
    if asynchronous:
        async with litellm.arun_thread_stream(**arguments) as run:
            async for _ in run:
                seen += 1
                if seen == read:
                    break
        return seen
    with litellm.run_thread_stream(**arguments) as run:
        for _ in run:
            seen += 1
            if seen == read:
                break
    return seen


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_streamed_run(recorded: Recorded, provider: Provider, asynchronous: bool) -> None:
    assert await run_streamed(provider, asynchronous) > 5
    (span,) = await settled(recorded)
    assert (span.name, span.kind) == ("invoke_agent", SpanKind.CLIENT)
    about = given(span)
    assert about["litellm.outcome"] == "completed"
    assert about["gen_ai.request.stream"] is True
    assert about["gen_ai.usage.input_tokens"] == 12
    assert about["gen_ai.response.id"] == "run_standin"
    assert statuses(recorded) == {("other", "openai", "success"): 1}
    assert len(recorded.requests()) == 1


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_streamed_run_broken_off(
    recorded: Recorded, provider: Provider, asynchronous: bool
) -> None:
    assert await run_streamed(provider, asynchronous, read=2) == 2
    (span,) = await settled(recorded)
    assert given(span)["litellm.outcome"] == "cancelled"
    assert statuses(recorded) == {("other", "openai", "cancelled"): 1}


async def test_streamed_run_never_asked_for(recorded: Recorded, provider: Provider) -> None:
    import litellm

    manager = litellm.run_thread_stream(
        custom_llm_provider="openai", thread_id="t", assistant_id="a", **options(provider)
    )
    assert type(manager).__name__ == "FollowedManager"
    del manager
    (span,) = await settled(recorded)
    assert given(span)["litellm.outcome"] == "abandoned"
    assert statuses(recorded) == {("other", "openai", "cancelled"): 1}


# -- other bare functions ----------------------------------------------------------------------


async def test_sync_moderation(recorded: Recorded, provider: Provider) -> None:
    import litellm

    given_model = options(provider, "omni-moderation-latest")
    await made(litellm.moderation, input=PROMPT, **given_model)
    (span,) = await settled(recorded)
    assert (span.name, span.kind) == ("moderation omni-moderation-latest", SpanKind.CLIENT)
    assert given(span)["gen_ai.provider.name"] == "openai"
    assert statuses(recorded) == {("omni-moderation-latest", "openai", "success"): 1}
    assert len(recorded.requests()) == 1
    nothing_leaked(recorded)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_ocr_in_the_native_library(
    recorded: Recorded, provider: Provider, asynchronous: bool
) -> None:
    import litellm

    document = {"type": "document_url", "document_url": "https://example.com/secret.pdf"}
    function = litellm.aocr if asynchronous else litellm.ocr
    await made(function, document=document, **options(provider, "mistral/mistral-ocr-latest"))
    (span,) = await settled(recorded)
    assert (span.name, span.kind) == ("ocr mistral-ocr-latest", SpanKind.CLIENT)
    about = given(span)
    assert about["litellm.outcome"] == "completed"
    assert about["gen_ai.provider.name"] == "mistral_ai"
    assert about["litellm.cost"] > 0
    assert statuses(recorded) == {("mistral/mistral-ocr-latest", "mistral", "success"): 1}
    assert len(recorded.requests()) == 1


async def test_failing_ocr_in_the_native_library(recorded: Recorded, provider: Provider) -> None:
    import litellm
    import openai

    document = {"type": "document_url", "document_url": "https://example.com/secret.pdf"}
    with pytest.raises(openai.APIError):
        await litellm.aocr(
            document=document, **options(provider, "mistral/mistral-ocr-latest@server-error")
        )
    (span,) = await settled(recorded)
    assert span.status.status_code is StatusCode.ERROR
    assert list(statuses(recorded).values()) == [1]
    assert len(recorded.requests()) == 1


# -- several tries for one call ----------------------------------------------------------------


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_retries_of_the_sdk(
    recorded: Recorded, provider: Provider, asynchronous: bool
) -> None:
    import litellm

    provider.forget()
    function = litellm.acompletion if asynchronous else litellm.completion
    # OpenAI's client retries as well, in the first attempt: it fails three times in it.
    model = "openai/gpt-4o@server-error-first-4"
    await made(function, messages=MESSAGES, num_retries=2, **options(provider, model))
    route, *attempts = await settled(recorded)
    assert (route.name, route.kind, route.parent) == (f"route {model}", SpanKind.INTERNAL, None)
    assert given(route)["litellm.attempts"] == 3
    assert given(route)["litellm.fallbacks"] == 0
    assert given(route)["litellm.outcome"] == "completed"
    assert names(attempts) == ["chat gpt-4o@server-error-first-4"] * 3
    assert all(is_child(attempt, route) for attempt in attempts)
    assert [given(attempt)["litellm.attempt.number"] for attempt in attempts] == [1, 2, 3]
    assert [given(attempt)["litellm.retry.number"] for attempt in attempts] == [0, 1, 2]
    assert [given(attempt)["litellm.outcome"] for attempt in attempts] == [
        "error",
        "error",
        "completed",
    ]
    assert given(attempts[2])["litellm.attempt.reason"] == "retry"
    assert statuses(recorded) == {(model, "openai", "success"): 1}
    (record,) = recorded.requests()
    assert record.attributes["litellm.attempts"] == 3
    nothing_leaked(recorded)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_retries_of_the_sdk_given_up(
    recorded: Recorded, provider: Provider, asynchronous: bool
) -> None:
    import litellm

    function = litellm.acompletion if asynchronous else litellm.completion
    model = "openai/gpt-4o@server-error"
    with pytest.raises(litellm.InternalServerError):
        await made(function, messages=MESSAGES, num_retries=2, **options(provider, model))
    route, *attempts = await settled(recorded)
    assert given(route)["litellm.outcome"] == "error"
    assert given(route)["error.type"] == "InternalServerError"
    assert given(route)["litellm.attempts"] == len(attempts) == 3
    assert statuses(recorded) == {(model, "openai", "error"): 1}
    assert len(recorded.requests()) == 1


async def test_completion_with_retries(recorded: Recorded, provider: Provider) -> None:
    import litellm

    provider.forget()
    model = "openai/gpt-4o@server-error-first-1"
    given_model = options(provider, model)
    await made(litellm.completion_with_retries, messages=MESSAGES, num_retries=3, **given_model)
    route, *attempts = await settled(recorded)
    assert route.name == f"route {model}"
    assert given(route)["litellm.attempts"] == len(attempts) == 2
    assert all(is_child(attempt, route) for attempt in attempts)
    assert statuses(recorded) == {(model, "openai", "success"): 1}
    assert len(recorded.requests()) == 1


# A stream that is fallen back to in a synchronous call can't be read: LiteLLM closes its loop.
@pytest.mark.parametrize(
    ("how", "stream"),
    [("async", False), ("async", True), ("sync", False), ("sync in a loop", False)],
)
async def test_fallbacks_of_the_sdk(
    recorded: Recorded, provider: Provider, how: str, stream: bool
) -> None:
    import litellm

    model, spare = "openai/gpt-4o@server-error", "openai/gpt-4o-mini"
    arguments = {
        "messages": MESSAGES,
        "fallbacks": [spare],
        "max_retries": 0,
        "stream": stream,
        **options(provider, model),
    }
    if how == "sync in a loop":
        answer: Any = litellm.completion(**arguments)
    else:
        answer = await made(
            litellm.acompletion if how == "async" else litellm.completion, **arguments
        )
    if stream:
        async for _ in answer:
            pass
    route, first, second = await settled(recorded)
    assert (route.name, route.kind, route.parent) == (f"route {model}", SpanKind.INTERNAL, None)
    assert given(route)["litellm.attempts"] == 2
    assert given(route)["litellm.fallbacks"] == 1
    assert given(route)["litellm.outcome"] == "completed"
    assert names([first, second]) == ["chat gpt-4o@server-error", "chat gpt-4o-mini"]
    assert is_child(first, route)
    assert is_child(second, route)
    assert given(first)["litellm.outcome"] == "error"
    assert given(second)["litellm.outcome"] == "completed"
    assert given(second)["litellm.fallback.number"] == 1
    assert given(second)["litellm.fallback.from"] == model
    assert given(second)["litellm.attempt.reason"] == "fallback"
    assert given(second)["gen_ai.usage.output_tokens"] > 0
    assert statuses(recorded) == {(model, "openai", "success"): 1}
    (record,) = recorded.requests()
    assert record.attributes["litellm.fallbacks"] == 1
    nothing_leaked(recorded)


async def test_fallbacks_of_the_sdk_all_failing(recorded: Recorded, provider: Provider) -> None:
    import litellm

    model, spare = "openai/gpt-4o@server-error", "openai/gpt-4o-mini@rate-limit"
    with pytest.raises(Exception, match="fallback"):
        await litellm.acompletion(
            messages=MESSAGES, fallbacks=[spare], max_retries=0, **options(provider, model)
        )
    route, *attempts = await settled(recorded)
    assert given(route)["error.type"] == "RateLimitError"
    assert [given(attempt)["error.type"] for attempt in attempts] == [
        "InternalServerError",
        "RateLimitError",
    ]
    assert statuses(recorded) == {(model, "openai", "error"): 1}
    assert len(recorded.requests()) == 1


# -- several calls at once ---------------------------------------------------------------------


async def test_batch_completion(recorded: Recorded, provider: Provider) -> None:
    """Several prompts are several requests, below what was the caller's."""
    import litellm

    tracer = recorded.tracer_provider.get_tracer("caller")
    with tracer.start_as_current_span("caller"):
        answers = litellm.batch_completion(
            messages=[MESSAGES, MESSAGES, MESSAGES], **options(provider, "openai/gpt-4o")
        )
    assert len(answers) == 3
    caller, *attempts = await settled(recorded)
    assert names(attempts) == ["chat gpt-4o"] * 3
    assert all(is_child(attempt, caller) for attempt in attempts)
    assert statuses(recorded) == {("openai/gpt-4o", "openai", "success"): 3}
    assert len(recorded.requests()) == 3
    nothing_leaked(recorded)


@pytest.mark.parametrize(
    "function", ["batch_completion_models", "batch_completion_models_all_responses"]
)
async def test_batch_completion_of_models(
    recorded: Recorded, provider: Provider, function: str
) -> None:
    import litellm

    models = ["openai/gpt-4o", "openai/gpt-4o-mini"]
    answers = await made(
        getattr(litellm, function), models=models, messages=MESSAGES, **options(provider)
    )
    assert answers
    attempts = await settled(recorded)
    assert sorted(names(attempts)) == ["chat gpt-4o", "chat gpt-4o-mini"]
    assert statuses(recorded) == {(model, "openai", "success"): 1 for model in models}
    assert len(recorded.requests()) == 2


async def test_several_deployments_at_once(recorded: Recorded, provider: Provider) -> None:
    """``completion(model_list=...)`` asks all of them for one answer: one request."""
    import litellm

    deployments = [
        {"model_name": "group", "litellm_params": options(provider, f"openai/{name}")}
        for name in ("gpt-4o", "gpt-4o-mini")
    ]
    await made(litellm.completion, model="group", messages=MESSAGES, model_list=deployments)
    route, *attempts = await settled(recorded)
    assert route.name == "route group"
    assert sorted(names(attempts)) == ["chat gpt-4o", "chat gpt-4o-mini"]
    assert all(is_child(attempt, route) for attempt in attempts)
    assert statuses(recorded) == {("group", "openai", "success"): 1}
    assert len(recorded.requests()) == 1


# -- what only leads to entry points -----------------------------------------------------------


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_adapter_completion(
    recorded: Recorded, provider: Provider, asynchronous: bool
) -> None:
    import litellm
    from litellm.integrations.custom_logger import CustomLogger

    class Adapter(CustomLogger):
        def translate_completion_input_params(self, kwargs: Any) -> Any:
            return {**kwargs, "messages": MESSAGES}

        def translate_completion_output_params(self, response: Any) -> Any:
            return response

    litellm.adapters = [{"id": "ours", "adapter": Adapter()}]
    function = litellm.aadapter_completion if asynchronous else litellm.adapter_completion
    await made(function, adapter_id="ours", **options(provider, "openai/gpt-4o"))
    (span,) = await settled(recorded)
    assert span.name == "chat gpt-4o"
    assert statuses(recorded) == {("openai/gpt-4o", "openai", "success"): 1}
    assert len(recorded.requests()) == 1


async def test_health_check(recorded: Recorded, provider: Provider) -> None:
    import litellm

    health = await litellm.ahealth_check(
        {**options(provider, "openai/gpt-4o"), "messages": MESSAGES}, mode="chat"
    )
    assert "error" not in health
    (span,) = await settled(recorded)
    assert span.name == "chat gpt-4o"
    assert statuses(recorded) == {("openai/gpt-4o", "openai", "success"): 1}
    assert len(recorded.requests()) == 1


async def test_hooks_are_in_force(recorded: Recorded) -> None:
    """Each hook for what lies outside the seam found its place in this LiteLLM."""
    import litellm.assistants.main
    import litellm.batch_completion.main
    import litellm.ocr.dispatch  # noqa: F401

    state: Any = recorded.instrumentor._hooks
    ours = {
        hook: what
        for hook, what in state().items()
        if hook.partition(":")[0]
        in (
            "litellm.main",
            "litellm.assistants.main",
            "litellm.batch_completion.main",
            "litellm.ocr.dispatch",
            "litellm.litellm_core_utils.fallback_utils",
        )
    }
    assert len(ours) > 20
    assert set(ours.values()) == {"in force"}


# -- the Router, beside its calls with fallbacks -----------------------------------------------


def router_of(provider: Provider, *, assistants: bool = False) -> Any:
    from litellm import Router
    from litellm.types.router import AssistantsTypedDict

    def deployment(group: str, model: str) -> dict[str, Any]:
        return {"model_name": group, "litellm_params": options(provider, model, max_retries=0)}

    of_assistants: Any = {"custom_llm_provider": "openai", "litellm_params": options(provider)}
    return Router(
        model_list=[
            deployment("group", "openai/gpt-4o"),
            deployment("other", "openai/gpt-4o-mini"),
            deployment("text", "text-completion-openai/gpt-3.5-turbo-instruct"),
        ],
        num_retries=0,
        assistants_config=AssistantsTypedDict(**of_assistants) if assistants else None,
    )


GROUP, OTHER = ("route group", "chat gpt-4o"), ("route other", "chat gpt-4o-mini")
TEXT = ("route text", "text_completion gpt-3.5-turbo-instruct")
ROUTED: tuple[tuple[str, dict[str, Any], tuple[tuple[str, str], ...], dict[str, int]], ...] = (
    ("completion", {"model": "group", "messages": MESSAGES}, (GROUP,), {"group": 1}),
    ("atext_completion", {"model": "text", "prompt": PROMPT}, (TEXT,), {"text": 1}),
    ("aresponses", {"model": "group", "input": PROMPT}, (GROUP,), {"group": 1}),
    (
        "schedule_acompletion",
        {"model": "group", "messages": MESSAGES, "priority": 1},
        (GROUP,),
        {"group": 1},
    ),
    (
        "abatch_completion",
        {"models": ["group", "other"], "messages": MESSAGES},
        (GROUP, OTHER),
        {"group": 1, "other": 1},
    ),
    (
        "abatch_completion_one_model_multiple_requests",
        {"model": "group", "messages": [MESSAGES, MESSAGES]},
        (GROUP, GROUP),
        {"group": 2},
    ),
)


@pytest.mark.parametrize("case", ROUTED, ids=lambda case: case[0])
async def test_router(recorded: Recorded, provider: Provider, case: Any) -> None:
    function, arguments, expected, counts = case
    await made(getattr(router_of(provider), function), **arguments)
    spans = await settled(recorded)
    by_id = {span.context.span_id: span for span in spans}
    routes = [span for span in spans if span.name.startswith("route ")]
    assert all(span.parent is None for span in routes)
    pairs = [
        (by_id[span.parent.span_id].name, span.name) for span in spans if span.parent is not None
    ]
    assert sorted(pairs) == sorted(expected)
    assert len(spans) == 2 * len(expected)
    requests = {model: count for (model, _, _), count in statuses(recorded).items()}
    assert requests == counts
    assert {status for _, _, status in statuses(recorded)} == {"success"}
    assert len(recorded.requests()) == sum(counts.values())
    nothing_leaked(recorded)


async def test_fastest_of_several(recorded: Recorded, provider: Provider) -> None:
    """The first answer is taken, the other calls are cancelled."""
    await router_of(provider).abatch_completion_fastest_response(
        model="group,other", messages=MESSAGES
    )
    spans = await settled(recorded)
    assert len(spans) == 4
    routes = [span for span in spans if span.name.startswith("route ")]
    outcomes = {given(span)["litellm.outcome"] for span in routes}
    assert "completed" in outcomes
    assert outcomes <= {"completed", "cancelled"}
    assert sum(statuses(recorded).values()) == len(recorded.requests()) == 2


@pytest.mark.parametrize(
    ("function", "operation", "arguments"),
    [
        ("aget_assistants", "get_assistants", {}),
        ("acreate_thread", "create_thread", {}),
        ("arun_thread", "invoke_agent", {"thread_id": "thread_1", "assistant_id": "asst_1"}),
    ],
)
async def test_assistants_of_a_router(
    recorded: Recorded, provider: Provider, function: str, operation: str, arguments: Any
) -> None:
    router = router_of(provider, assistants=True)
    await getattr(router, function)(**arguments)
    (span,) = await settled(recorded)
    assert span.name == operation
    assert statuses(recorded) == {("other", "openai", "success"): 1}
    assert len(recorded.requests()) == 1


# -- agents ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def agent_url() -> Iterator[str]:
    with served(agent()) as url:
        yield url


async def ask_agent(url: str, text: str, *, stream: bool, client: Any = None, **more: Any) -> None:
    from a2a.compat.v0_3.types import (
        MessageSendParams,
        SendMessageRequest,
        SendStreamingMessageRequest,
    )
    from litellm import a2a_protocol

    said: Any = {"role": "user", "parts": [{"kind": "text", "text": text}], "messageId": "m"}
    params = MessageSendParams(message=said)
    where = {"a2a_client": client} if client is not None else {"api_base": url}
    where |= more
    if not stream:
        await a2a_protocol.asend_message(request=SendMessageRequest(id="1", params=params), **where)
        return
    request = SendStreamingMessageRequest(id="2", params=params)
    async for _ in a2a_protocol.asend_message_streaming(request=request, **where):
        pass


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_agent(recorded: Recorded, agent_url: str, stream: bool) -> None:
    from litellm import a2a_protocol

    client = await a2a_protocol.create_a2a_client(base_url=agent_url, streaming=stream)
    await ask_agent(agent_url, PROMPT, stream=stream, client=client)
    (span,) = await settled(recorded)
    assert (span.name, span.kind) == ("invoke_agent helper", SpanKind.CLIENT)
    about = given(span)
    assert about["gen_ai.operation.name"] == "invoke_agent"
    assert about["gen_ai.agent.name"] == "helper"
    assert about["litellm.outcome"] == "completed"
    assert about.get("gen_ai.request.stream", False) is stream
    assert statuses(recorded) == {("other", "a2a_agent", "success"): 1}
    assert len(recorded.requests()) == 1
    nothing_leaked(recorded)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_agent_by_its_address(recorded: Recorded, agent_url: str, stream: bool) -> None:
    """Its name is known only when it has been called."""
    await ask_agent(agent_url, PROMPT, stream=stream)
    (span,) = await settled(recorded)
    assert span.name == "invoke_agent helper"
    assert given(span)["gen_ai.agent.name"] == "helper"
    assert given(span)["server.address"] == "127.0.0.1"
    (record,) = recorded.requests()
    assert record.trace_id == span.context.trace_id


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_agent_that_is_a_model(recorded: Recorded, provider: Provider, stream: bool) -> None:
    """LiteLLM asks the model for it: that is part of the one request."""
    model = {"custom_llm_provider": "openai", "model": "openai/gpt-4o", "api_key": KEY}
    await ask_agent(provider.base_url(), PROMPT, stream=stream, litellm_params=model)
    by_name = {span.name: span for span in await settled(recorded)}
    assert by_name.keys() == {"invoke_agent", "chat gpt-4o"}
    assert is_child(by_name["chat gpt-4o"], by_name["invoke_agent"])
    assert {given(span)["litellm.outcome"] for span in by_name.values()} == {"completed"}
    assert statuses(recorded) == {("other", "a2a_agent", "success"): 1}
    assert len(recorded.requests()) == 1
    nothing_leaked(recorded)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_failing_agent(recorded: Recorded, agent_url: str, stream: bool) -> None:
    with pytest.raises(Exception, match="Internal error"):
        await ask_agent(agent_url, "fail", stream=stream)
    (span,) = await settled(recorded)
    assert span.name == "invoke_agent helper"
    assert span.status.status_code is StatusCode.ERROR
    assert given(span)["error.type"] == "A2AError"
    assert given(span)["gen_ai.agent.name"] == "helper"
    assert statuses(recorded) == {("other", "a2a_agent", "error"): 1}
    assert len(recorded.requests()) == 1
