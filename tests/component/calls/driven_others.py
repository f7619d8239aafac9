"""More calls to be made over and over: what goes past LiteLLM's decorator, or through it more than once."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

from tests.component.calls.driven import MESSAGES, Driven, awaited, blocking, options
from tests.component.calls.recorded import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.standins.provider import Provider


_BUDGET = {
    "user_api_key_hash": "b" * 64,
    "user_api_key_max_budget": 10.0,
    "user_api_key_budget_reset_at": "2099-01-01T00:00:00Z",
}
"""As the proxy leaves word of a key's."""


def of_others(provider: Provider, agent_url: str) -> Iterator[Driven]:
    yield from _several(provider)
    yield from _assistants(provider)
    yield from _agents(agent_url)
    yield from _services()
    yield from _streams_as_objects(provider)
    yield from _contents(provider)


def _blocking(name: str, function: Callable[..., Any], **arguments: Any) -> Driven:
    return Driven(name, name, blocking(lambda: function(**arguments)))


def _awaited(name: str, function: Callable[..., Any], **arguments: Any) -> Driven:
    return Driven(name, name, awaited(lambda: function(**arguments)))


def _several(provider: Provider) -> Iterator[Driven]:
    """Several tries for one call, and several calls at once."""
    import litellm

    given = {"messages": MESSAGES, **options(provider)}
    failing = {"messages": MESSAGES, **options(provider, "@server-error")}
    where = {name: given[name] for name in ("api_base", "api_key", "messages")}
    # A stream that fails after it was returned is fallen back from where it is read.
    cooling = litellm.Router(
        [
            {"model_name": name, "litellm_params": options(provider, behaviour)}
            for name, behaviour in (("cools", "@bad-key"), ("breaks", "@broken-stream-after-0"))
        ]
        + [{"model_name": "spare", "litellm_params": options(provider)}],
        fallbacks=[{"breaks": ["spare"]}, {"cools": ["spare"]}],
        num_retries=0,
        cooldown_time=0.01,
    )
    spare = ["openai/gpt-4o-mini"]
    yield _blocking("fallbacks", litellm.completion, **failing, fallbacks=spare)
    yield _awaited("fallbacks async", litellm.acompletion, **failing, fallbacks=spare)
    yield _awaited(
        "fallbacks given up",
        litellm.acompletion,
        **failing,
        fallbacks=["openai/gpt-4o-mini@server-error"],
    )
    cached = {**given, "cache": {"use-cache": True}}
    name = "answered from the cache"
    yield Driven(name, name, awaited(lambda: _twice(**cached)), alone=True)
    yield _awaited("refused", litellm.acompletion, **{**given, "model": "of-no-provider"})
    yield _awaited("with a budget", litellm.acompletion, **given, metadata=dict(_BUDGET))
    yield _awaited("retries", litellm.acompletion, **failing, num_retries=1)
    yield _blocking("completion_with_retries", litellm.completion_with_retries, **given)
    yield _awaited("cooldown", cooling.acompletion, model="cools", messages=MESSAGES)
    yield _awaited(
        "fallback in mid-stream",
        cooling.acompletion,
        model="breaks",
        messages=MESSAGES,
        stream=True,
    )
    yield _blocking(
        "batch_completion", litellm.batch_completion, **{**given, "messages": [MESSAGES] * 2}
    )
    yield _blocking(
        "batch_completion_models",
        litellm.batch_completion_models_all_responses,
        models=["openai/gpt-4o", "openai/gpt-4o-mini"],
        **where,
    )
    yield _awaited(
        "health check", litellm.ahealth_check, model_params=copy.deepcopy(given), mode="chat"
    )


async def _twice(**given: Any) -> Any:
    import litellm
    from litellm.caching.caching import Cache, CacheMode

    cache: Any = Cache(mode=CacheMode.default_off)
    litellm.cache = cache
    try:
        await litellm.acompletion(**given)
        await asyncio.to_thread(until, lambda: cache.cache.cache_dict)
        return await litellm.acompletion(**given)
    finally:
        litellm.cache = None


def _assistants(provider: Provider) -> Iterator[Driven]:
    import litellm

    where = {"custom_llm_provider": "openai", **options(provider)}
    del where["model"]
    run = {"thread_id": "thread_1", "assistant_id": "asst_1", **where}
    yield _awaited("create_thread", litellm.acreate_thread, messages=MESSAGES, **where)
    yield _blocking("run_thread", litellm.run_thread, **run)
    for read in (None, 1):
        about = "" if read is None else " broken off"

        def streamed(read: int | None = read) -> list[str]:
            with litellm.run_thread_stream(**run) as events:
                return [
                    type(event).__name__
                    for event, _ in zip(events, range(read or 99), strict=False)
                ]

        async def streamed_asynchronously(read: int | None = read) -> list[str]:
            seen: list[str] = []
            async with litellm.arun_thread_stream(**run) as events:
                async for event in events:
                    seen.append(type(event).__name__)
                    if len(seen) == read:
                        break
            return seen

        yield _blocking(f"run_thread_stream{about}", streamed)
        yield _awaited(f"arun_thread_stream{about}", streamed_asynchronously)

    def dropped() -> str:
        return type(litellm.run_thread_stream(**run)).__mro__[-1].__name__

    yield _blocking("run_thread_stream dropped", dropped)


def _agents(url: str) -> Iterator[Driven]:
    for stream in (False, True):
        for text in ("help", "fail"):
            name = f"agent{' streamed' if stream else ''}{' failing' if text == 'fail' else ''}"
            yield _awaited(name, _ask_agent, url=url, text=text, stream=stream)


async def _ask_agent(url: str, text: str, stream: bool) -> Any:
    from a2a.compat.v0_3.types import (
        MessageSendParams,
        SendMessageRequest,
        SendStreamingMessageRequest,
    )
    from litellm import a2a_protocol

    said: Any = {"role": "user", "parts": [{"kind": "text", "text": text}], "messageId": "m"}
    params = MessageSendParams(message=said)
    if not stream:
        request = SendMessageRequest(id="1", params=params)
        return await a2a_protocol.asend_message(request=request, api_base=url)
    return a2a_protocol.asend_message_streaming(
        request=SendStreamingMessageRequest(id="2", params=params), api_base=url
    )


def _services() -> Iterator[Driven]:
    from litellm._service_logger import ServiceLogging
    from litellm.types.services import ServiceTypes

    logging = ServiceLogging()
    given = {"service": ServiceTypes.REDIS, "duration": 0.1, "call_type": "get"}
    yield _awaited(
        "service",
        logging.async_service_success_hook,
        event_metadata={"gauge_labels": "redis", "gauge_value": 7.0},
        **given,
    )
    yield _awaited(
        "service failing", logging.async_service_failure_hook, error=KeyError("x"), **given
    )


def _streams_as_objects(provider: Provider) -> Iterator[Driven]:
    """What else can be done with a stream than to read it."""
    import litellm
    from litellm import google_genai

    where = {"api_base": provider.address(), "api_key": "sk-injected"}
    contents = [{"role": "user", "parts": [{"text": "Say it."}]}]
    generate: Any = {"model": "gemini/gemini-2.5-flash", "contents": contents, **where}
    chat = {**options(provider), "messages": MESSAGES, "stream": True}

    def copied() -> str:
        stream: Any = litellm.completion(**chat)
        return type(copy.copy(stream)).__name__

    def google(way: str) -> Callable[[], Any]:
        def left() -> Any:
            stream: Any = google_genai.generate_content_stream(**generate)
            next(stream)
            return _way_out(stream, way)

        return left

    async def google_asynchronously(way: str) -> Any:
        stream: Any = await google_genai.agenerate_content_stream(**generate)
        await anext(stream)
        answer = getattr(stream, f"a{way}", None)
        return await answer() if answer is not None else "none"

    yield _blocking("stream copied", copied)
    for way in ("close", "copy"):
        yield _blocking(f"Google stream {way}", google(way))
    yield _awaited("Google stream aclose", google_asynchronously, way="close")


def _way_out(stream: Any, way: str) -> str:
    try:
        if way == "copy":
            return type(copy.copy(stream)).__name__
        return str(getattr(stream, way)())
    except (AttributeError, TypeError) as error:
        return type(error).__name__


TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {}}}


def _contents(provider: Provider) -> Iterator[Driven]:
    """Messages of many shapes, and answers that call tools."""
    import litellm
    from litellm import google_genai

    asks_for_it = {
        "role": "assistant",
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
        ],
    }
    picture = {"url": "data:image/png;base64,aGk="}
    messages = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": picture},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            ],
        },
        asks_for_it,
        {"role": "tool", "tool_call_id": "c", "content": "Nothing."},
    ]
    chat = {**options(provider), "messages": messages, "tools": [TOOL]}
    chat["tool_choice"] = "required"
    said = [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]
    called = {"type": "function_call", "call_id": "c", "name": "look_up", "arguments": "{}"}
    answered = {"type": "function_call_output", "call_id": "c", "output": "Nothing."}
    responses = {
        "input": [*said, called, answered],
        "tools": [{**TOOL["function"], "type": "function"}],
    }
    where = {"api_base": provider.address(), "api_key": "sk-injected"}
    yield _awaited("messages of all kinds", litellm.acompletion, **chat)
    yield _awaited("tools streamed", litellm.acompletion, **chat, stream=True)
    yield _awaited("items", litellm.aresponses, **options(provider), **responses)
    yield _awaited(
        "items streamed", litellm.aresponses, **options(provider), **responses, stream=True
    )
    yield _awaited(
        "Google's parts",
        google_genai.agenerate_content,
        model="gemini/gemini-2.5-flash",
        contents=[{"role": "user", "parts": [{"text": "x"}, {"inlineData": {"data": "aGk="}}]}],
        systemInstruction={"parts": [{"text": "Be brief."}]},
        **where,
    )
    block = {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "x"}]}
    used = {"type": "tool_use", "id": "c", "name": "look_up", "input": {}}
    yield _awaited(
        "Anthropic's blocks",
        litellm.anthropic_messages,
        model="anthropic/claude-sonnet-4-5",
        max_tokens=8,
        messages=[
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [used]},
            {"role": "user", "content": [block]},
        ],
        **where,
    )
