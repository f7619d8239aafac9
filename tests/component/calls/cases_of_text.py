"""Calls that are answered with text: chat, completions, the Responses API, Anthropic's, Google's."""

from __future__ import annotations

from typing import Any

from stack.standins import anthropic_api, google_api, openai_api
from stack.standins.endpoint import DEFAULT_LENGTH
from tests.component.calls.case import (
    BOTH,
    GOOGLE,
    IN_A_MESSAGE,
    MESSAGES,
    SECRET,
    WORDS,
    Case,
    answer,
    finished,
)

_FINGERPRINT = {"openai.response.system_fingerprint": "fp_standin"}
_TIER = {"openai.response.service_tier": "default"}


def _completed(model: str, *reasons: str) -> dict[str, Any]:
    return {**answer(str, model=model), **_FINGERPRINT, **_TIER, **finished(*reasons or ("stop",))}


def _tokens(given: int, made: int, **details: int) -> dict[str, int]:
    return {"input_tokens": given, "output_tokens": made, **details}


_NO_DETAILS = {
    "cache_read_input_tokens": 0,
    "reasoning_output_tokens": 0,
    "audio_input_tokens": 0,
    "audio_output_tokens": 0,
}
"""OpenAI says of everything it tells apart that there is none."""

CHAT = (
    Case(
        module="main",
        function="completion",
        routed=BOTH,
        kind="chat",
        model="gpt-4o",
        arguments={"messages": MESSAGES, "temperature": 0.5, "max_tokens": 4},
        usage=_tokens(IN_A_MESSAGE, 4, **_NO_DETAILS),
        told=_completed("gpt-4o"),
        costs=True,
    ),
    Case(
        module="main",
        function="completion",
        routed=BOTH,
        kind="chat",
        model="gpt-4o",
        stream=True,
        arguments={"messages": MESSAGES},
        estimated=True,
        told=_completed("gpt-4o"),
    ),
    Case(
        module="main",
        function="completion",
        variant="usage-asked-for",
        kind="chat",
        model="gpt-4o",
        stream=True,
        arguments={"messages": MESSAGES, "stream_options": {"include_usage": True}},
        usage=_tokens(IN_A_MESSAGE, DEFAULT_LENGTH, **_NO_DETAILS),
        told=_completed("gpt-4o"),
        costs=True,
    ),
    Case(
        module="main",
        function="completion",
        variant="reasoning-cached",
        routed=(),
        kind="chat",
        model="gpt-5",
        arguments={"messages": MESSAGES, "prompt_cache_key": "k", "reasoning_effort": "low"},
        usage=_tokens(
            IN_A_MESSAGE,
            DEFAULT_LENGTH + openai_api.REASONING_TOKENS,
            **{
                **_NO_DETAILS,
                "cache_read_input_tokens": IN_A_MESSAGE // 2,
                "reasoning_output_tokens": openai_api.REASONING_TOKENS,
            },
        ),
        told=_completed("gpt-5"),
        costs=True,
    ),
    Case(
        module="main",
        function="completion",
        variant="audio",
        routed=(),
        kind="chat",
        model="gpt-4o-audio-preview",
        arguments={"messages": MESSAGES},
        usage=_tokens(
            IN_A_MESSAGE,
            DEFAULT_LENGTH,
            **{
                **_NO_DETAILS,
                "audio_input_tokens": openai_api.AUDIO_TOKENS,
                "audio_output_tokens": openai_api.AUDIO_TOKENS,
            },
        ),
        told=_completed("gpt-4o-audio-preview"),
    ),
    Case(
        module="main",
        function="completion",
        variant="tool-choices",
        routed=(),
        kind="chat",
        model="gpt-4o",
        arguments={
            "messages": MESSAGES,
            "n": 2,
            "stop": ["END"],
            "seed": 7,
            "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {}}}],
            "tool_choice": "required",
        },
        usage=_tokens(IN_A_MESSAGE, DEFAULT_LENGTH, **_NO_DETAILS),
        parameters={"gen_ai.request.stop_sequences": ("END",)},
        told=_completed("gpt-4o", "tool_calls", "tool_calls"),
        costs=True,
    ),
    Case(
        module="main",
        function="completion",
        variant="anthropic",
        routed=(),
        kind="chat",
        provider="anthropic",
        model="claude-sonnet-4-5",
        version="",
        arguments={"messages": MESSAGES, "max_tokens": 6},
        usage=_tokens(
            WORDS,
            6,
            cache_read_input_tokens=0,
            cache_write_input_tokens=0,
            cache_write_5m_input_tokens=0,
            cache_write_1h_input_tokens=0,
            reasoning_output_tokens=0,
        ),
        told={**answer(str, model="claude-sonnet-4-5"), **finished("stop")},
        costs=True,
    ),
    *(
        Case(
            module="main",
            function="text_completion",
            kind="text completion",
            provider="text-completion-openai",
            model="gpt-3.5-turbo-instruct",
            stream=stream,
            arguments={"prompt": SECRET},
            usage={} if stream else _tokens(WORDS, DEFAULT_LENGTH),
            estimated=stream,
            told={
                **answer(str, model="gpt-3.5-turbo-instruct"),
                # LiteLLM does not hand it on with chunks of text.
                **({} if stream else _FINGERPRINT),
                **finished("stop"),
            },
            costs=not stream,
        )
        for stream in (False, True)
    ),
)

RESPONSES = (
    *(
        Case(
            module="responses.main",
            function="responses",
            routed=BOTH,
            kind="responses",
            model="gpt-4o",
            stream=stream,
            arguments={"input": SECRET, "max_output_tokens": 20},
            usage=_tokens(WORDS, 20, cache_read_input_tokens=0, reasoning_output_tokens=0),
            told={
                **answer(str, model="gpt-4o", status="completed"),
                **_TIER,
                **finished("stop"),
            },
            costs=True,
        )
        for stream in (False, True)
    ),
    Case(
        module="responses.main",
        function="compact_responses",
        kind="responses",
        model="gpt-4o",
        arguments={"input": SECRET},
        usage=_tokens(WORDS, DEFAULT_LENGTH, cache_read_input_tokens=0, reasoning_output_tokens=0),
        told=answer(str),
        costs=True,
    ),
)

_CLAUDE: dict[str, Any] = {
    "module": "llms.anthropic.pass_through.messages.handler",
    "function": "anthropic_messages",
    "kind": "Anthropic messages",
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "version": "",
    "twins": ("async",),
    "told": {**answer(str, model="claude-sonnet-4-5"), **finished("end_turn")},
    "costs": True,
}


def _cached(text: str, **control: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral", **control}}


ANTHROPIC = tuple(
    case
    for stream in (False, True)
    for case in (
        Case(
            **_CLAUDE,
            stream=stream,
            arguments={"messages": MESSAGES, "max_tokens": 6},
            usage=_tokens(
                WORDS,
                6,
                cache_read_input_tokens=0,
                cache_write_input_tokens=0,
                cache_write_5m_input_tokens=0,
                cache_write_1h_input_tokens=0,
                reasoning_output_tokens=0,
            ),
        ),
        Case(
            **_CLAUDE,
            variant="cached",
            routed=(),
            stream=stream,
            arguments={
                "max_tokens": 2048,
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "system": [_cached("one two")],
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            _cached("one two three"),
                            _cached("one two three four", ttl="1h"),
                            {"type": "text", "text": SECRET},
                        ],
                    }
                ],
            },
            usage=_tokens(
                WORDS + 2 + 3 + 4,
                DEFAULT_LENGTH + anthropic_api.THINKING_TOKENS,
                cache_read_input_tokens=2,
                cache_write_input_tokens=3 + 4,
                cache_write_5m_input_tokens=3,
                cache_write_1h_input_tokens=4,
                reasoning_output_tokens=anthropic_api.THINKING_TOKENS,
            ),
        ),
    )
)

_GEMINI: dict[str, Any] = {
    "module": "google_genai.main",
    "kind": "Google generate-content",
    "model": "gemini-2.5-flash",
    "told": {**answer(str, model="gemini-2.5-flash"), **finished("stop")},
    "costs": True,
    **GOOGLE,
}
_TURN = [{"role": "user", "parts": [{"text": SECRET}]}]
_IN_A_TURN = WORDS + 4
_INTERACTION: dict[str, Any] = {
    "module": "interactions.main",
    "function": "create",
    "kind": "interactions",
    "model": "gemini-2.5-flash",
    "arguments": {"input": SECRET},
    "usage": _tokens(WORDS, DEFAULT_LENGTH, cache_read_input_tokens=0, reasoning_output_tokens=0),
    "told": answer(str, model="gemini-2.5-flash", status="completed"),
    "costs": True,
    **GOOGLE,
}

GEMINI = (
    Case(
        **_GEMINI,
        function="generate_content",
        routed=BOTH,
        arguments={"contents": _TURN},
        usage=_tokens(_IN_A_TURN, DEFAULT_LENGTH),
    ),
    Case(
        **_GEMINI,
        function="generate_content",
        variant="thinking",
        routed=(),
        arguments={
            "contents": _TURN,
            "config": {"thinkingConfig": {"thinkingBudget": 16}, "temperature": 0.5},
        },
        parameters={"gen_ai.request.temperature": 0.5},
        usage=_tokens(
            _IN_A_TURN,
            DEFAULT_LENGTH + google_api.THOUGHT_TOKENS,
            reasoning_output_tokens=google_api.THOUGHT_TOKENS,
        ),
    ),
    *(
        Case(
            **{**_GEMINI, "costs": twin == "async"},  # LiteLLM keeps no account of the other's
            function="generate_content_stream",
            twins=(twin,),
            routed=(twin,),
            stream=True,
            asks_for_stream=False,
            arguments={"contents": _TURN},
            usage=_tokens(_IN_A_TURN, DEFAULT_LENGTH),
        )
        for twin in BOTH
    ),
    Case(**_INTERACTION),
    Case(**_INTERACTION, stream=True),
)

PASSED_THROUGH = tuple(
    Case(
        module="passthrough.main",
        function="llm_passthrough_route",
        kind="pass-through",
        provider="azure",
        model="gpt-4o",
        version="",
        arguments={
            "method": "POST",
            "endpoint": "openai/deployments/gpt-4o/chat/completions",
            "json": {"messages": MESSAGES, "stream": stream},
            "custom_llm_provider": "azure",
        },
        stream=stream,
        asks_for_stream=False,
        usage={} if stream else _tokens(IN_A_MESSAGE, DEFAULT_LENGTH, **_NO_DETAILS),
        estimated=stream,
        told=_completed("gpt-4o"),
        costs=True,
    )
    for stream in (False, True)
)
