"""What a stream tells of its answer, in whichever pieces its events come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from litellm_otel.model import Usage
from litellm_otel.reading.chunks import streamed_response, text_of_chunks
from litellm_otel.reading.events import objects_in

BEGUN = {
    "id": "msg_1",
    "model": "claude-sonnet-4-5-20250929",
    "usage": {"input_tokens": 20, "output_tokens": 1},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": BEGUN},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "fünf {words} "}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "or so"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
]
WHOLE = b"".join(
    f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
    for event in EVENTS
)


@pytest.mark.parametrize("size", [1, 7, 100, len(WHOLE)])
def test_events_cut_anywhere(size: int) -> None:
    chunks = [WHOLE[start : start + size] for start in range(0, len(WHOLE), size)]
    response, usage = streamed_response(chunks)
    assert (response.id, response.model) == ("msg_1", "claude-sonnet-4-5-20250929")
    assert response.finish_reasons == ("end_turn",)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (20, 9, 29)
    assert text_of_chunks(chunks) == "fünf {words} or so"


def test_lines_without_their_ends() -> None:
    chunks = [f"data: {json.dumps(event)}" for event in EVENTS]
    assert list(objects_in(chunks)) == EVENTS


def test_an_event_that_is_cut_off_tells_nothing() -> None:
    assert list(objects_in([WHOLE[:-20], {"an": "object"}])) == [
        *EVENTS[:1],
        *EVENTS[1:3],
        {"an": "object"},
    ]


def test_the_count_that_a_stream_begins_with_is_not_that_of_its_end() -> None:
    """Anthropic's says one token of output, whatever comes; LiteLLM's chat chunks hand that on."""
    _, usage = streamed_response([WHOLE[: WHOLE.index(b"message_delta")]])
    assert usage == Usage(input_tokens=20, total_tokens=20)

    def chunk(said: str = "", reason: str | None = None, **usage: int) -> dict[str, Any]:
        choice = {"index": 0, "delta": {"content": said}, "finish_reason": reason}
        return {"id": "1", "choices": [choice], **({"usage": usage} if usage else {})}

    begun = chunk(prompt_tokens=20, completion_tokens=1)
    _, usage = streamed_response([begun, chunk("words")])
    assert usage == Usage(input_tokens=20, total_tokens=20)
    counted = chunk("words", prompt_tokens=20, completion_tokens=2)
    _, usage = streamed_response([begun, counted])
    assert usage == Usage(input_tokens=20, output_tokens=2, total_tokens=22)
    _, usage = streamed_response([counted, chunk("more", reason="stop")])
    assert usage == Usage(input_tokens=20, output_tokens=2, total_tokens=22)
