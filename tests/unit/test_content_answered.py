"""Answers, whole and streamed, in the words of each API → what the conventions make of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from litellm_otel.reading.content.messages import finish_reason_of
from tests.unit.content_readers import (
    CALLED,
    DOCUMENTS,
    OUTPUT,
    PNG,
    RESULT,
    answer,
    answered,
    blob,
    streamed,
    text,
    tool_call,
)

ANSWERED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "chat": (
        {
            "choices": [
                {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"},
                {
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "reasoning_content": "hm",
                        "tool_calls": [{"id": "c1", "type": "function", "function": CALLED}],
                    },
                    "finish_reason": "tool_calls",
                },
                {
                    "message": {"role": "assistant", "refusal": "No."},
                    "finish_reason": "content_filter",
                },
                {"message": {"role": "assistant", "content": "cut"}, "finish_reason": None},
            ]
        },
        {
            OUTPUT: [
                answer(text("Hi")),
                answer({"type": "reasoning", "content": "hm"}, tool_call(), reason="tool_call"),
                answer(text("No."), reason="content_filter"),
                answer(text("cut"), reason="error"),
            ]
        },
    ),
    "chat aloud": (
        {
            "choices": [
                {
                    "message": {"role": "assistant", "audio": {"data": "AAAA", "transcript": "Hi"}},
                    "finish_reason": "length",
                }
            ]
        },
        {
            OUTPUT: [
                answer(
                    {
                        "type": "blob",
                        "modality": "audio",
                        "content": "",
                        "size": 3,
                        "transcript": "Hi",
                    },
                    reason="length",
                )
            ]
        },
    ),
    "text completion": (
        {"choices": [{"text": "Hi", "finish_reason": "stop"}]},
        {OUTPUT: [answer(text("Hi"))]},
    ),
    "Responses API": (
        {
            "object": "response",
            "status": "completed",
            "output": [
                {
                    "type": "reasoning",
                    "summary": [{"type": "summary_text", "text": "hm"}],
                    "encrypted_content": "x",
                },
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "Hi"}],
                },
                {"type": "function_call", "call_id": "c1", **CALLED},
            ],
        },
        {OUTPUT: [answer({"type": "reasoning", "content": "hm"}, text("Hi"), tool_call())]},
    ),
    "Responses API, cut short": (
        {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}],
        },
        {OUTPUT: [answer(text("No."), reason="length")]},
    ),
    "Anthropic": (
        {
            "type": "message",
            "role": "assistant",
            "stop_reason": "tool_use",
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "Hi"},
                {
                    "type": "server_tool_use",
                    "id": "s1",
                    "name": "web_search",
                    "input": {"query": "q"},
                },
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "s1",
                    "content": [{"title": "t"}],
                },
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "B"}},
            ],
        },
        {
            OUTPUT: [
                answer(
                    {"type": "reasoning", "content": "hm"},
                    text("Hi"),
                    {
                        "type": "server_tool_call",
                        "name": "web_search",
                        "server_tool_call": {"type": "web_search", "input": {"query": "q"}},
                        "id": "s1",
                    },
                    {
                        "type": "server_tool_call_response",
                        "server_tool_call_response": {
                            "type": "web_search_tool_result",
                            "content": [{"title": "t"}],
                        },
                        "id": "s1",
                    },
                    tool_call(),
                    reason="tool_call",
                )
            ]
        },
    ),
    "Google": (
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [{"text": "hm", "thought": True}, {"text": "Hi"}],
                    },
                    "finishReason": "STOP",
                },
                {"content": None, "finishReason": "SAFETY"},
            ]
        },
        {
            OUTPUT: [
                answer({"type": "reasoning", "content": "hm"}, text("Hi")),
                answer(reason="content_filter"),
            ]
        },
    ),
    "images": (
        {
            "data": [
                {"b64_json": PNG, "revised_prompt": "a cat"},
                {"url": "https://pages.example/a"},
            ]
        },
        {
            OUTPUT: [
                answer(
                    blob(size=8),
                    text("a cat"),
                    {"type": "uri", "modality": "image", "uri": "https://pages.example/a"},
                )
            ]
        },
    ),
    "transcription": ({"text": "Hi"}, {OUTPUT: [answer(text("Hi"))]}),
    "rerank": (
        {"results": [{"index": 1, "relevance_score": 0.5, "document": {"text": "b"}}]},
        {DOCUMENTS: [{"id": "1", "score": 0.5, "content": "b"}]},
    ),
    "search": (
        {"results": [{"title": "t", "url": "https://pages.example/a", "snippet": "s"}]},
        {DOCUMENTS: [{"id": "https://pages.example/a", "content": "s"}]},
    ),
    "vector store": (
        {
            "search_query": "q",
            "data": [{"file_id": "f", "score": 0.5, "content": [{"type": "text", "text": "c"}]}],
        },
        {DOCUMENTS: [{"id": "f", "score": 0.5, "content": "c"}]},
    ),
    "OCR": ({"pages": [{"index": 0, "markdown": "# t"}]}, {OUTPUT: [answer(text("# t"))]}),
    "agents": (
        {"result": {"kind": "message", "role": "agent", "parts": [{"kind": "text", "text": "Hi"}]}},
        {OUTPUT: [answer(text("Hi"))]},
    ),
    "embeddings, which nobody can read": ({"data": [{"embedding": [0.1]}]}, {}),
    "moderation": ({"results": [{"flagged": False}]}, {}),
    "an answer that says nothing": (
        {"object": "response", "status": "cancelled", "output": []},
        {},
    ),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_answered(name: str) -> None:
    result, expected = ANSWERED[name]
    assert answered(result) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"content": [{"type": "text", "text": "sun"}]}, [{"type": "text", "text": "sun"}]),
        ({"content": [{"type": "image", "data": PNG}]}, [{"type": "image"}]),
        ({"content": [], "structuredContent": {"sun": True}}, {"sun": True}),
    ],
)
def test_a_tools_answer(result: Any, expected: Any) -> None:
    assert answered(result, tool=True) == {RESULT: expected}


# -- streams -----------------------------------------------------------------------------------------


def choice(delta: dict[str, Any], reason: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event.get('type')}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


_ANTHROPIC: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"role": "assistant", "content": []}},
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "thinking", "thinking": ""},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "thinking_delta", "thinking": "hm"},
    },
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "H"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "i"}},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "c1", "name": "weather"},
    },
    {
        "type": "content_block_delta",
        "index": 2,
        "delta": {"type": "input_json_delta", "partial_json": '{"city":'},
    },
    {
        "type": "content_block_delta",
        "index": 2,
        "delta": {"type": "input_json_delta", "partial_json": ' "B"}'},
    },
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    {"type": "message_stop"},
]
_ANTHROPIC_ANSWER = answer(
    {"type": "reasoning", "content": "hm"}, text("Hi"), tool_call(), reason="tool_call"
)

STREAMED: dict[str, tuple[list[Any], list[Any]]] = {
    "chat": (
        [
            choice({"role": "assistant", "reasoning_content": "h"}),
            choice({"reasoning_content": "m"}),
            choice({"content": "H"}),
            choice({"content": "other"}, index=1),
            choice({"content": "i"}),
            choice({}, "stop"),
            {"choices": [], "usage": {}},
        ],
        [
            answer({"type": "reasoning", "content": "hm"}, text("Hi")),
            answer(text("other"), reason="error"),
        ],
    ),
    "chat with a tool": (
        [
            choice(
                {
                    "tool_calls": [
                        {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}}
                    ]
                }
            ),
            choice({"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]}),
            choice({"tool_calls": [{"index": 0, "function": {"arguments": ' "B"}'}}]}),
            choice({}, "tool_calls"),
        ],
        [answer(tool_call(), reason="tool_call")],
    ),
    "a tool call that broke off": (
        [
            choice(
                {
                    "tool_calls": [
                        {
                            "index": 0,
                            "id": "c1",
                            "function": {"name": "weather", "arguments": '{"ci'},
                        }
                    ]
                }
            ),
        ],
        [answer(tool_call(arguments='{"ci'), reason="error")],
    ),
    "text completion": (
        [
            {"choices": [{"index": 0, "text": "H"}]},
            {"choices": [{"index": 0, "text": "i", "finish_reason": "stop"}]},
        ],
        [answer(text("Hi"))],
    ),
    "Anthropic": (_ANTHROPIC, [_ANTHROPIC_ANSWER]),
    "Anthropic as bytes, cut anywhere": (
        [sse(*_ANTHROPIC)[at : at + 37] for at in range(0, len(sse(*_ANTHROPIC)), 37)],
        [_ANTHROPIC_ANSWER],
    ),
    "Anthropic, broken off": (
        _ANTHROPIC[:5],
        [answer({"type": "reasoning", "content": "hm"}, text("H"), reason="error")],
    ),
    "Google": (
        [
            {"candidates": [{"content": {"parts": [{"text": "H"}]}}]},
            sse({"candidates": [{"content": {"parts": [{"text": "i"}]}, "finishReason": "STOP"}]}),
        ],
        [answer(text("Hi"))],
    ),
    "Responses API": (
        [
            {"type": "response.output_text.delta", "output_index": 0, "delta": "never mind"},
            {
                "type": "response.completed",
                "response": {
                    "status": "completed",
                    "output": [
                        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
                    ],
                },
            },
        ],
        [answer(text("Hi"))],
    ),
    "Responses API, broken off": (
        [
            {"type": "response.created", "response": {"output": []}},
            {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "h"},
            {
                "type": "response.output_item.done",
                "output_index": 0,
                "item": {"type": "reasoning", "summary": [{"text": "hm"}]},
            },
            {"type": "response.output_text.delta", "output_index": 1, "delta": "H"},
            {"type": "response.output_text.delta", "output_index": 1, "delta": "i"},
            {
                "type": "response.output_item.added",
                "output_index": 2,
                "item": {"type": "function_call", "name": "weather", "call_id": "c1"},
            },
            {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"ci'},
        ],
        [
            answer(
                {"type": "reasoning", "content": "hm"},
                text("Hi"),
                tool_call(arguments='{"ci'),
                reason="error",
            )
        ],
    ),
}


@pytest.mark.parametrize("name", STREAMED)
def test_streamed(name: str) -> None:
    chunks, expected = STREAMED[name]
    assert streamed(*chunks) == {OUTPUT: expected}


def test_streams_of_nothing() -> None:
    assert streamed() == {}
    assert streamed(b"data: [DONE]\n\n", b": ping\n\n", "data: {broken\n\n") == {}


def test_spoken_in_pieces() -> None:
    first = choice({"audio": {"id": "a", "data": "AAAA", "transcript": "H"}})
    rest = choice({"audio": {"data": "AAAA", "transcript": "i"}}, "stop")
    part = {"type": "blob", "modality": "audio", "content": "", "size": 6, "transcript": "Hi"}
    assert streamed(first, rest) == {OUTPUT: [answer(part)]}


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("max_tokens", "length"),
        ("END_TURN", "stop"),
        ("weird", "weird"),
        (None, "error"),
        ("", "error"),
    ],
)
def test_finish_reasons(reason: str | None, word: str) -> None:
    assert finish_reason_of(reason) == word
