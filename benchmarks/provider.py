"""An OpenAI-compatible provider that costs next to nothing: every answer is made once, at import.

``python -m benchmarks.provider`` prints the port it listens on and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import web

from benchmarks.serving import serve

CHUNKS = 20
# Far enough apart that the proxy reads every chunk on its own, as it does from a real provider.
SECONDS_BETWEEN_CHUNKS = 0.002
_CREATED = 1_790_000_000
_MODEL = "gpt-4o-mini-2024-07-18"
_USAGE = {"prompt_tokens": 42, "completion_tokens": CHUNKS, "total_tokens": 42 + CHUNKS}
_SENTENCE = (
    "The quick brown fox jumps over the lazy dog and then takes a long and well earned rest."
)


def _event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return _event(
        {
            "id": "chatcmpl-benchmark",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": _MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }
    )


_WHOLE = json.dumps(
    {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": _CREATED,
        "model": _MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _SENTENCE},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
).encode()
_WORDS = (_SENTENCE.split() * 2)[: CHUNKS - 1]
_STREAM = [
    _chunk({"role": "assistant", "content": ""}),
    *(_chunk({"content": f"{word} "}) for word in _WORDS[: CHUNKS - 2]),
    _chunk({}, finish_reason="stop"),
]


async def _chat(request: web.Request) -> web.StreamResponse:
    if not (await request.json()).get("stream"):
        return web.Response(body=_WHOLE, content_type="application/json")
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for chunk in _STREAM:
        await response.write(chunk)
        await asyncio.sleep(SECONDS_BETWEEN_CHUNKS)
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _models(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": _MODEL, "object": "model"}]})


def application() -> web.Application:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _chat)
    app.router.add_get("/v1/models", _models)
    return app


if __name__ == "__main__":
    sys.exit(serve(application()))
