"""Requests, in the words of each API → what the conventions make of them."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_otel.emit.content_shapes import attributes_of
from tests import content_conventions
from tests.unit.content_readers import (
    ARGUMENTS,
    CALLED,
    DATA_URL,
    INPUT,
    PNG,
    QUERY,
    SYSTEM,
    TOOLS,
    asked,
    blob,
    readers,
    text,
    tool_call,
    user,
)


def test_our_schemas_know_no_fields_that_the_conventions_do_not() -> None:
    assert not any(content_conventions.unknown_fields().values())


_FUNCTION = {"name": "weather", "description": "of a city", "parameters": {"type": "object"}}
_TOOL = {
    "type": "function",
    "name": "weather",
    "description": "of a city",
    "parameters": {"type": "object"},
}

ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "chat": (
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi", "name": "ann"},
            ]
        },
        {
            INPUT: [
                {"role": "system", "parts": [text("Be brief.")]},
                {"role": "user", "parts": [text("Hi")], "name": "ann"},
            ]
        },
    ),
    "chat with tools": (
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c1", "function": CALLED}],
                },
                {"role": "tool", "tool_call_id": "c1", "content": '{"sun": true}'},
                {"role": "tool", "tool_call_id": "c2", "content": "rain"},
                {"role": "assistant", "content": "Fine.", "function_call": CALLED},
            ],
            "tools": [{"type": "function", "function": _FUNCTION}],
            "functions": [{"name": "old"}],
        },
        {
            INPUT: [
                {"role": "assistant", "parts": [tool_call()]},
                {
                    "role": "tool",
                    "parts": [
                        {"type": "tool_call_response", "response": {"sun": True}, "id": "c1"}
                    ],
                },
                {
                    "role": "tool",
                    "parts": [{"type": "tool_call_response", "response": "rain", "id": "c2"}],
                },
                {
                    "role": "assistant",
                    "parts": [
                        text("Fine."),
                        {"type": "tool_call", "name": "weather", "arguments": {"city": "B"}},
                    ],
                },
            ],
            TOOLS: [_TOOL, {"type": "function", "name": "old"}],
        },
    ),
    "chat of several media": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": DATA_URL}},
                        {"type": "image_url", "image_url": "https://pages.example/a.png"},
                        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                        {"type": "file", "file": {"file_id": "file-1"}},
                        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
                        {"type": "video_url", "video_url": {"url": "gs://bucket/a.mp4"}},
                    ],
                }
            ]
        },
        {
            INPUT: [
                user(
                    text("What is it?"),
                    blob(size=8),
                    {"type": "uri", "modality": "image", "uri": "https://pages.example/a.png"},
                    {
                        "type": "blob",
                        "modality": "audio",
                        "content": "",
                        "mime_type": "audio/wav",
                        "size": 3,
                    },
                    {"type": "file", "modality": "document", "file_id": "file-1"},
                    {
                        "type": "blob",
                        "modality": "document",
                        "content": "",
                        "mime_type": "application/pdf",
                        "size": 3,
                    },
                    {"type": "uri", "modality": "video", "uri": "gs://bucket/a.mp4"},
                )
            ]
        },
    ),
    "text completion": (
        {"prompt": ["one", "two"], "suffix": "end"},
        {INPUT: [user(text("one")), user(text("two"))]},
    ),
    "tokens, which nobody can read": ({"prompt": [1, 2], "input": [[1, 2], [3]]}, {}),
    "embeddings": ({"input": ["a", "b"]}, {INPUT: [user(text("a"), text("b"))]}),
    "moderation": (
        {
            "input": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": DATA_URL}},
            ]
        },
        {INPUT: [user(text("a"), blob(size=8))]},
    ),
    "Responses API": (
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
                {
                    "type": "reasoning",
                    "id": "r1",
                    "summary": [{"type": "summary_text", "text": "hm"}],
                },
                {"type": "function_call", "call_id": "c1", **CALLED},
                {"type": "function_call_output", "call_id": "c1", "output": "sun"},
                {"type": "web_search_call", "id": "w1", "status": "completed"},
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_image", "image_url": DATA_URL}],
                },
            ],
            "tools": [{"type": "function", **_FUNCTION}, {"type": "web_search"}],
        },
        {
            SYSTEM: [text("Be brief.")],
            INPUT: [
                user(text("Hi")),
                {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}]},
                {"role": "assistant", "parts": [tool_call()]},
                {
                    "role": "tool",
                    "parts": [{"type": "tool_call_response", "response": "sun", "id": "c1"}],
                },
                {
                    "role": "assistant",
                    "parts": [
                        {
                            "type": "server_tool_call",
                            "name": "web_search",
                            "server_tool_call": {"type": "web_search_call", "status": "completed"},
                            "id": "w1",
                        }
                    ],
                },
                user(blob(size=8)),
            ],
            TOOLS: [_TOOL, {"type": "web_search", "name": "web_search"}],
        },
    ),
    "Anthropic": (
        {
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                        },
                        {
                            "type": "image",
                            "source": {"type": "url", "url": "https://pages.example/a"},
                        },
                        {"type": "document", "source": {"type": "text", "data": "a paper"}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                        {"type": "redacted_thinking", "data": "c2VjcmV0"},
                        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "B"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "c1",
                            "content": [{"type": "text", "text": "sun"}],
                        }
                    ],
                },
            ],
            "tools": [
                {"name": "weather", "description": "of a city", "input_schema": {"type": "object"}}
            ],
        },
        {
            SYSTEM: [text("Be brief.")],
            INPUT: [
                user(
                    blob(size=8),
                    {"type": "uri", "modality": "image", "uri": "https://pages.example/a"},
                    text("a paper"),
                ),
                {
                    "role": "assistant",
                    "parts": [{"type": "reasoning", "content": "hm"}, tool_call()],
                },
                user({"type": "tool_call_response", "response": "sun", "id": "c1"}),
            ],
            TOOLS: [_TOOL],
        },
    ),
    "Google": (
        {
            "contents": [
                {
                    "role": "user",
                    "parts": [
                        {"text": "Hi"},
                        {"inline_data": {"mime_type": "image/png", "data": PNG}},
                    ],
                },
                {
                    "role": "model",
                    "parts": [
                        {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "B"}}}
                    ],
                },
                {
                    "role": "user",
                    "parts": [
                        {
                            "function_response": {
                                "id": "c1",
                                "name": "weather",
                                "response": {"sun": 1},
                            }
                        }
                    ],
                },
                {"parts": [{"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/a"}}]},
            ],
            "config": {
                "system_instruction": {"parts": [{"text": "Be brief."}]},
                "tools": [{"function_declarations": [_FUNCTION]}, {"google_search": {}}],
            },
        },
        {
            SYSTEM: [text("Be brief.")],
            INPUT: [
                user(text("Hi"), blob(size=8)),
                {"role": "assistant", "parts": [tool_call()]},
                user({"type": "tool_call_response", "response": {"sun": 1}, "id": "c1"}),
                user(
                    {
                        "type": "uri",
                        "modality": "video",
                        "uri": "gs://b/a",
                        "mime_type": "video/mp4",
                    }
                ),
            ],
            TOOLS: [_TOOL, {"type": "provider", "name": "google_search"}],
        },
    ),
    "rerank": (
        {"query": "which", "documents": ["a", {"text": "b"}]},
        {QUERY: "which", INPUT: [user(text("a"), text("b"))]},
    ),
    "search": ({"query": ["one", "two"]}, {QUERY: "one\ntwo"}),
    "OCR": (
        {"document": {"type": "document_url", "document_url": "https://pages.example/a.pdf"}},
        {
            INPUT: [
                user({"type": "uri", "modality": "document", "uri": "https://pages.example/a.pdf"})
            ]
        },
    ),
    "agents": (
        {
            "request": {
                "params": {"message": {"role": "user", "parts": [{"kind": "text", "text": "Hi"}]}}
            }
        },
        {INPUT: [user(text("Hi"))]},
    ),
    "pass-through": (
        {
            "json": {
                "messages": [{"role": "user", "content": "Hi"}],
                "model": "m",
                "tools": [{"name": "t"}],
            }
        },
        {INPUT: [user(text("Hi"))], TOOLS: [{"type": "function", "name": "t"}]},
    ),
    "nothing of a kind that is not known": (
        {"messages": [{"role": "user", "content": [{"type": "hologram", "data": "x"}]}]},
        {INPUT: [user({"type": "hologram"})]},
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_asked(name: str) -> None:
    given, expected = ASKED[name]
    if name.startswith("nothing"):
        read = attributes_of(readers()[0].read(given, tuple(given), "chat"))
        assert read == expected
    else:
        assert asked(**given) == expected


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"a": 1}', {"a": 1}),
        ("{not json", "{not json"),
        ('{"a": NaN, "b": 1e999}', {"a": "nan", "b": "inf"}),
        (f'{{"a": {2**70}}}', {"a": str(2**70)}),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_arguments_that_a_model_wrote(written: str, read: Any) -> None:
    call = {"id": "c1", "function": {"name": "f", "arguments": written}}
    ((part,),) = [
        m["parts"] for m in asked(messages=[{"role": "assistant", "tool_calls": [call]}])[INPUT]
    ]
    assert part["arguments"] == read


def test_only_named_arguments_are_read() -> None:
    assert asked("messages", messages="Hi", prompt="no", metadata={"messages": "no"}) == {
        INPUT: [user(text("Hi"))]
    }


def test_a_tools_arguments() -> None:
    given = {"name": "weather", "arguments": {"city": "B", "days": [1, 2]}}
    assert asked("arguments", operation="execute_tool", **given) == {ARGUMENTS: given["arguments"]}


@pytest.mark.parametrize(
    ("operation", "argument", "modality"),
    [("transcription", "file", "audio"), ("image_edit", "image", "image")],
)
def test_files(operation: str, argument: str, modality: str) -> None:
    given = {argument: ("a.bin", b"12345", "application/x")}
    part = {
        "type": "blob",
        "modality": modality,
        "content": "",
        "mime_type": "application/x",
        "size": 5,
    }
    assert asked(operation=operation, **given) == {INPUT: [user(part)]}
    assert asked(operation="create_file", **given) == {}


def test_data_only_where_it_is_asked_for() -> None:
    messages = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": DATA_URL}}]}
    ]
    assert PNG not in str(asked(messages=messages))
    (message,) = asked(messages=messages, blobs=True)[INPUT]
    assert message["parts"] == [blob(content=PNG, size=8)]
