"""Usage and responses in the shapes of each API, whole and in chunks."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace as Object
from typing import Any

import pytest

from litellm_otel.model import Response, Usage
from litellm_otel.reading.chunks import streamed_response, text_of_chunks
from litellm_otel.reading.quantities import (
    pages,
    queries,
    search_units,
    seconds_heard,
    seconds_made,
)
from litellm_otel.reading.responses import response_of
from litellm_otel.reading.usage import cost_parts_of, usage_of, usage_of_result

CHAT = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {
        "cached_tokens": 40,
        "cache_creation_tokens": 30,
        "cache_creation_token_details": {
            "ephemeral_5m_input_tokens": 10,
            "ephemeral_1h_input_tokens": 20,
        },
        "audio_tokens": 5,
        "image_tokens": 6,
    },
    "completion_tokens_details": {"reasoning_tokens": 7, "audio_tokens": 3, "image_tokens": 2},
}
READ_OF_CHAT = Usage(
    input_tokens=100,
    output_tokens=20,
    total_tokens=120,
    cache_read_input_tokens=40,
    cache_write_input_tokens=30,
    cache_write_5m_input_tokens=10,
    cache_write_1h_input_tokens=20,
    reasoning_output_tokens=7,
    audio_input_tokens=5,
    audio_output_tokens=3,
    image_input_tokens=6,
    image_output_tokens=2,
)
ANTHROPIC = {
    "input_tokens": 10,
    "output_tokens": 20,
    "cache_read_input_tokens": 300,
    "cache_creation_input_tokens": 40,
    "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 25},
}
READ_OF_ANTHROPIC = Usage(
    input_tokens=350,
    output_tokens=20,
    total_tokens=370,
    cache_read_input_tokens=300,
    cache_write_input_tokens=40,
    cache_write_5m_input_tokens=15,
    cache_write_1h_input_tokens=25,
)
GOOGLE = {
    "promptTokenCount": 12,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 4,
    "totalTokenCount": 20,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 2},
        {"modality": "AUDIO", "tokenCount": 10},
    ],
}
READ_OF_GOOGLE = Usage(
    input_tokens=12,
    output_tokens=8,
    total_tokens=20,
    cache_read_input_tokens=4,
    reasoning_output_tokens=3,
    audio_input_tokens=10,
)


def as_object(value: Any) -> Any:
    if isinstance(value, dict):
        return Object(**{key: as_object(item) for key, item in value.items()})
    return [as_object(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("shape", [dict, as_object], ids=["mapping", "object"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (CHAT, READ_OF_CHAT),
        (ANTHROPIC, READ_OF_ANTHROPIC),
        (GOOGLE, READ_OF_GOOGLE),
        (
            {**GOOGLE, "candidatesTokenCount": 8},
            READ_OF_GOOGLE,
        ),
        (
            {
                **GOOGLE,
                "candidatesTokenCount": 8,
                "toolUsePromptTokenCount": 6,
                "totalTokenCount": 26,
            },
            replace(READ_OF_GOOGLE, total_tokens=26),
        ),
        ({"completion_tokens": 2}, Usage(output_tokens=2, total_tokens=2)),
        (
            {
                "input_tokens": 9,
                "output_tokens": 4,
                "total_tokens": 13,
                "input_tokens_details": {"cached_tokens": 1},
                "output_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(
                input_tokens=9,
                output_tokens=4,
                total_tokens=13,
                cache_read_input_tokens=1,
                reasoning_output_tokens=2,
            ),
        ),
        (
            {"type": "tokens", "input_tokens": 9, "input_token_details": {"audio_tokens": 8}},
            Usage(input_tokens=9, total_tokens=9, audio_input_tokens=8),
        ),
        ({"total_tokens": 6}, Usage(input_tokens=6, total_tokens=6)),
        ({"type": "duration", "seconds": 3.5}, None),
        ({}, None),
    ],
    ids=[
        "chat",
        "anthropic",
        "google",
        "google, thoughts among the answer",
        "google, the same with tools",
        "partial",
        "responses",
        "audio",
        "rerank",
        "duration",
        "nothing",
    ],
)
def test_usage(shape: Any, given: dict[str, Any], expected: Usage | None) -> None:
    assert usage_of(shape(given)) == expected


@pytest.mark.parametrize(
    "result",
    [
        {"usage": {"input_tokens": 3}},
        {"usageMetadata": {"promptTokenCount": 3}},
        {"meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 3}}},
        {"meta": {"billed_units": {"total_tokens": 3}}},
    ],
)
def test_usage_wherever_a_response_keeps_it(result: dict[str, Any]) -> None:
    assert usage_of_result(result) == Usage(input_tokens=3, total_tokens=3)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            {"id": "c", "model": "m", "choices": [{"finish_reason": "stop"}, {}]},
            Response(id="c", model="m", finish_reasons=("stop", "error")),
        ),
        (
            {"id": "msg", "model": "m", "stop_reason": "end_turn"},
            Response(id="msg", model="m", finish_reasons=("end_turn",)),
        ),
        (
            {"responseId": "g", "modelVersion": "m", "candidates": [{"finishReason": "STOP"}]},
            Response(id="g", model="m", finish_reasons=("stop",)),
        ),
        (
            {"id": "r", "object": "response", "status": "completed", "service_tier": "flex"},
            Response(id="r", status="completed", finish_reasons=("stop",), service_tier="flex"),
        ),
        (
            {
                "object": "response",
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
            },
            Response(status="incomplete", finish_reasons=("length",)),
        ),
        ({"id": "batch", "status": "validating"}, Response(id="batch", status="validating")),
        ("text", Response()),
    ],
)
def test_response(result: Any, expected: Response) -> None:
    assert response_of(result) == expected


def sse(*events: dict[str, Any]) -> list[bytes]:
    return [f"event: x\ndata: {json.dumps(event)}\n\n".encode() for event in events]


ANTHROPIC_EVENTS: tuple[dict[str, Any], ...] = (
    {
        "type": "message_start",
        "message": {
            "id": "msg",
            "model": "claude",
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
        },
    },
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello "}},
    {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 9},
    },
    {"type": "message_stop"},
)


@pytest.mark.parametrize(
    "chunks", [sse(*ANTHROPIC_EVENTS), ANTHROPIC_EVENTS], ids=["bytes", "maps"]
)
def test_chunks_of_anthropic(chunks: Any) -> None:
    response, usage = streamed_response(chunks)
    assert response == Response(id="msg", model="claude", finish_reasons=("end_turn",))
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (15, 9, 24)
    assert text_of_chunks(chunks) == "Hello hm"


def test_chunks_of_google() -> None:
    def chunk(text: str, **more: Any) -> dict[str, Any]:
        return {"responseId": "g", "candidates": [{"content": {"parts": [{"text": text}]}, **more}]}

    chunks = sse(
        chunk("one ", index=0),
        {**chunk("two", finishReason="MAX_TOKENS"), "usageMetadata": GOOGLE},
    )
    response, usage = streamed_response(chunks)
    assert response.finish_reasons == ("max_tokens",)
    assert usage == READ_OF_GOOGLE
    assert text_of_chunks(chunks) == "one two"


def test_chunks_of_the_responses_api() -> None:
    whole = {
        "id": "resp",
        "object": "response",
        "model": "m",
        "status": "completed",
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    }
    chunks = [
        as_object(
            {"type": "response.created", "response": {"id": "resp", "status": "in_progress"}}
        ),
        as_object({"type": "response.output_text.delta", "delta": "Hi"}),
        as_object({"type": "response.completed", "response": whole}),
    ]
    response, usage = streamed_response(chunks)
    assert (response.id, response.status, response.finish_reasons) == (
        "resp",
        "completed",
        ("stop",),
    )
    assert usage == Usage(input_tokens=1, output_tokens=2, total_tokens=3)
    assert text_of_chunks(chunks) == "Hi"


def test_chunks_none_of_ours() -> None:
    assert streamed_response([b"\x00\x01binary usage", object(), 7]) == (Response(), None)
    assert streamed_response([]) == (Response(), None)


def test_quantities() -> None:
    assert seconds_heard({}, {"usage": {"seconds": 4}}) == 4
    assert seconds_heard({}, Object(duration=2.5)) == 2.5
    assert seconds_heard({}, "plain text") is None
    assert seconds_made({"seconds": "8"}, {"id": "video"}) == 8
    assert search_units({}, {"meta": {"billed_units": {"search_units": 2}}}) == 2
    assert queries({"query": ["a", "b"]}, None) == 2
    assert pages({}, Object(usage_info={"pages_processed": 3})) == 3


def test_parts_of_the_cost() -> None:
    parts = cost_parts_of({"input_cost": 0.5, "output_cost": 0.0, "tool_usage_cost": None, "x": 1})
    assert parts == {"input": 0.5}
    assert cost_parts_of(None) == {}
