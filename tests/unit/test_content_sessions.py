"""The events of sessions → the conversation that the conventions make of them, within a size."""

from __future__ import annotations

import base64
import json
import tracemalloc
from typing import Any

import pytest

from litellm_otel.model.content import Content
from litellm_otel.reading.content import ContentReader
from litellm_otel.reading.content.history import MAX_MESSAGES, MAX_SIZE
from tests.unit.content_readers import (
    INPUT,
    OUTPUT,
    SYSTEM,
    TOOLS,
    answer,
    shaped,
    text,
    user,
)

SOUND = base64.b64encode(bytes(300)).decode()
SHORT_SOUND = base64.b64encode(bytes(30)).decode()
TRANSCRIPT = "conversation.item.input_audio_transcription"


def session(*events: dict[str, Any]) -> Any:
    conversation = ContentReader().conversation()
    assert conversation is not None
    for event in events:
        conversation.heard(json.dumps(event))
    return conversation


def content_of(conversation: Any) -> Content:
    content = Content()
    conversation.put_into(content)
    return content


def read(*events: dict[str, Any]) -> dict[str, Any]:
    return shaped(content_of(session(*events)))


def aloud(**more: Any) -> dict[str, Any]:
    return {"type": "blob", "modality": "audio", "content": "", **more}


def said(content: Any, role: str = "user", **more: Any) -> dict[str, Any]:
    item = {"type": "message", "role": role, "content": content, **more}
    return {"type": "conversation.item.create", "item": item}


def done(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"type": "response.done", "response": {"id": "r1", "status": status, **more}}


def piece(kind: str, delta: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "response_id": "r1", "output_index": 0, "delta": delta, **more}


HI = said([{"type": "input_text", "text": "Hi"}])
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "B"}'}
CALLED = {"type": "tool_call", "name": "weather", "id": "c1", "arguments": {"city": "B"}}

TOLD: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "nothing": ([{"type": "session.created", "session": {"id": "s"}}], {}),
    "instructions and tools, the newest": (
        [
            {"type": "session.created", "session": {"instructions": "Be nice."}},
            {
                "type": "session.update",
                "session": {
                    "instructions": "Be brief.",
                    "tools": [{"type": "function", "name": "weather"}],
                },
            },
            {"type": "session.updated", "session": {"voice": "alloy"}},
        ],
        {SYSTEM: [text("Be brief.")], TOOLS: [{"type": "function", "name": "weather"}]},
    ),
    "a picture": (
        [said([{"type": "input_image", "image_url": "https://example.org/a.png"}])],
        {INPUT: [user({"type": "uri", "modality": "image", "uri": "https://example.org/a.png"})]},
    ),
    "a recording, in an item that is named later": (
        [
            said([{"type": "input_audio", "audio": SOUND}]),
            {
                "type": "conversation.item.added",
                "item": {"id": "i1", "role": "user", "content": [{"type": "input_audio"}]},
            },
            {"type": f"{TRANSCRIPT}.completed", "item_id": "i1", "transcript": "Hello"},
        ],
        {INPUT: [user(aloud(size=300, transcript="Hello"))]},
    ),
    "recordings, one dropped, one cut off while it is written down": (
        [
            {"type": "input_audio_buffer.append", "audio": SOUND},
            {"type": "input_audio_buffer.cleared"},
            {"type": "input_audio_buffer.append", "audio": SHORT_SOUND},
            {"type": "input_audio_buffer.committed", "item_id": "i1"},
            {"type": f"{TRANSCRIPT}.delta", "item_id": "i1", "delta": "Hel"},
            {"type": f"{TRANSCRIPT}.delta", "item_id": "i1", "delta": "lo"},
        ],
        {INPUT: [user(aloud(size=30, transcript="Hello"))]},
    ),
    "a transcript of something unknown": (
        [{"type": f"{TRANSCRIPT}.completed", "item_id": "i1", "transcript": "Hello"}],
        {INPUT: [user(aloud(transcript="Hello"))]},
    ),
    "a whole answer, of which the pieces are known": (
        [
            HI,
            piece("response.output_audio.delta", SOUND),
            piece("response.output_audio.delta", SHORT_SOUND),
            piece("response.output_audio_transcript.delta", "He"),
            done(
                output=[
                    {
                        "type": "message",
                        "role": "assistant",
                        "content": [{"type": "output_audio", "transcript": "Hello"}],
                    }
                ]
            ),
        ],
        {INPUT: [user(text("Hi"))], OUTPUT: [answer(aloud(size=330, transcript="Hello"))]},
    ),
    "pieces of an answer, by their older names": (
        [
            HI,
            piece("response.text.delta", "Hel"),
            piece("response.text.delta", "lo"),
            piece("response.audio.delta", SOUND, content_index=1),
            piece("response.audio_transcript.delta", "there", content_index=1),
            done("cancelled"),
        ],
        {
            INPUT: [user(text("Hi"))],
            OUTPUT: [
                answer(aloud(size=300, transcript="there"), text("Hello"), reason="cancelled")
            ],
        },
    ),
    "a tool's call and its answer": (
        [
            HI,
            done(output=[CALL]),
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "c1", "output": "rain"},
            },
        ],
        {
            INPUT: [
                user(text("Hi")),
                {
                    "role": "tool",
                    "parts": [{"type": "tool_call_response", "id": "c1", "response": "rain"}],
                },
            ],
            OUTPUT: [answer(CALLED)],
        },
    ),
    "a tool's call that breaks off": (
        [
            {
                "type": "response.output_item.added",
                "response_id": "r1",
                "output_index": 0,
                "item": {**CALL, "arguments": ""},
            },
            piece("response.function_call_arguments.delta", '{"ci'),
        ],
        {OUTPUT: [answer({**CALLED, "arguments": '{"ci'}, reason="error")]},
    ),
    "an answer that is too long": (
        [done("incomplete", status_details={"reason": "max_output_tokens"}, output=[CALL])],
        {OUTPUT: [answer(CALLED, reason="length")]},
    ),
    "what is said in the wish for an answer": (
        [
            {
                "type": "response.create",
                "response": {
                    "instructions": "Be brief.",
                    "input": [
                        {"type": "message", "role": "user", "content": [HI["item"]["content"][0]]}
                    ],
                },
            }
        ],
        {SYSTEM: [text("Be brief.")], INPUT: [user(text("Hi"))]},
    ),
    "the Responses API's": (
        [
            {"type": "response.create", "instructions": "Be brief.", "input": "Hi"},
            {"type": "response.output_text.delta", "output_index": 0, "delta": "Hel"},
            {"type": "response.output_text.delta", "output_index": 0, "delta": "lo"},
            {"type": "response.completed", "response": {"id": "r1", "status": "completed"}},
            {
                "type": "response.create",
                "input": [{"type": "message", "role": "user", "content": "Bye"}],
            },
            {"type": "response.completed", "response": {"id": "r2", "output": [CALL]}},
        ],
        {
            SYSTEM: [text("Be brief.")],
            INPUT: [
                user(text("Hi")),
                {"role": "assistant", "parts": [text("Hello")]},
                user(text("Bye")),
            ],
            OUTPUT: [answer(CALLED)],
        },
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_said(name: str) -> None:
    events, expected = TOLD[name]
    assert read(*events) == expected


@pytest.mark.parametrize(
    "frame",
    ["{", "{}", "[]", '{"type": 7}', '{"type": "response.create", "response": 7}']
    + [json.dumps({"type": kind}) for kind in ("session.update", "conversation.item.create")]
    + [json.dumps({"type": kind}) for kind in ("response.done", "response.text.delta")]
    + [json.dumps({"type": "input_audio_buffer.append", "audio": 7})],
)
def test_what_is_no_event(frame: str, caplog: pytest.LogCaptureFixture) -> None:
    conversation = session(HI)
    conversation.heard(frame)
    assert shaped(content_of(conversation))[INPUT][0] == user(text("Hi"))
    assert caplog.records == []


def test_no_sound_is_kept() -> None:
    parts = [{"type": "input_audio", "audio": sound} for sound in (SOUND, SHORT_SOUND)]
    conversation = ContentReader(blobs=True).conversation()
    assert conversation is not None
    conversation.heard(json.dumps(said(parts)))
    kept = json.dumps(shaped(content_of(conversation)))
    assert SOUND not in kept
    assert SHORT_SOUND not in kept


def test_a_long_session_keeps_the_newest() -> None:
    count, size = 3 * MAX_SIZE // 10_000, 10_000
    tracemalloc.start()
    conversation = session()
    for number in range(count):
        conversation.heard(
            json.dumps(said([{"type": "input_text", "text": f"{number:10}" * 1_000}]))
        )
        conversation.heard(json.dumps({"type": "input_audio_buffer.append", "audio": SOUND * 30}))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    content = content_of(conversation)
    kept = shaped(content)[INPUT]
    assert kept[-1]["parts"] == [text(f"{count - 1:10}" * 1_000)]
    assert MAX_SIZE * 0.9 < len(kept) * size < MAX_SIZE
    assert content.left_out == count - len(kept)
    assert held < 2 * MAX_SIZE


def test_a_session_of_many_short_messages_keeps_the_newest() -> None:
    content = content_of(session(*[HI] * (MAX_MESSAGES + 7)))
    assert (len(content.input), content.left_out) == (MAX_MESSAGES, 7)


def test_an_answer_without_end_does_not_grow_without_end() -> None:
    tracemalloc.start()
    conversation = session()
    for number in range(60):
        for kind in ("response.text.delta", "response.audio_transcript.delta"):
            event = piece(kind, "x" * 20_000, response_id=f"r{number % 3}")
            conversation.heard(json.dumps(event))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * MAX_SIZE
