"""What a stream tells of its answer, in whichever pieces its events come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from litellm_otel.model import Usage
from litellm_otel.reading.chunks import streamed_response, text_of_chunks
from litellm_otel.reading.events import objects_in
from litellm_otel.reading.failures import failure_told

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


OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}
QUOTA = {"code": "insufficient_quota", "message": "You exceeded your current quota"}
GOOGLES = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Too many"}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "error", "error": OVERLOADED}, ("ServiceUnavailableError", 503, "server")),
        ({"type": "error", **QUOTA}, ("RateLimitError", 429, "quota")),
        (
            {"type": "response.failed", "response": {"status": "failed", "error": QUOTA}},
            ("RateLimitError", 429, "quota"),
        ),
        ({"error": GOOGLES}, ("RateLimitError", 429, "rate_limit")),
        ({"error": {"code": "odd", "message": "strange"}}, ("APIError", None, "server")),
    ],
    ids=["Anthropic", "Responses API", "Responses API, failed", "Google", "of no known kind"],
)
@pytest.mark.parametrize("as_bytes", [True, False], ids=["bytes", "objects"])
def test_errors_that_are_events(
    event: dict[str, Any], expected: tuple[str, int | None, str], as_bytes: bool
) -> None:
    chunk = f"data: {json.dumps(event)}\n\n".encode() if as_bytes else event
    response, _ = streamed_response([WHOLE[: WHOLE.index(b"event: message_delta")], chunk])
    failure = failure_told(response.error, ["a secret"])
    assert (failure.type, failure.status_code, failure.kind) == expected


def test_what_speaks_of_errors_is_none() -> None:
    said = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": '{"error": {}}'}}
    response, _ = streamed_response([f"data: {json.dumps(said)}\n\n".encode(), {"error": None}])
    assert response.error is None
