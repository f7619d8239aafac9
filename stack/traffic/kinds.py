"""The kinds of request a client sends, each with what it should meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import gateway

CHAT_PATH = "/v1/chat/completions"
TEXT_PATH = "/v1/completions"
EMBEDDINGS_PATH = "/v1/embeddings"


@dataclass(frozen=True)
class Kind:
    """One kind of request. ``status`` is the ``status`` label its metrics have to carry."""

    name: str
    model: str
    path: str = CHAT_PATH
    http: int = 200
    status: str = "success"
    attempts: int = 1
    stream: bool = False
    tokens: int = 8  # asked for
    leave_after: int | None = None  # chunks after which the client closes the connection
    wrong_key: bool = False

    def body(self, prompt: str) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model}
        if self.path == EMBEDDINGS_PATH:
            return {**body, "input": prompt}
        body["max_tokens"] = self.tokens
        if self.stream:
            body["stream"] = True
        if self.path == TEXT_PATH:
            return {**body, "prompt": prompt}
        return {**body, "messages": [{"role": "user", "content": prompt}]}


WHOLE = Kind("whole", gateway.CHAT)
STREAMED = Kind("streamed", gateway.CHAT, stream=True)
TEXT = Kind("text", gateway.TEXT, TEXT_PATH)
TEXT_STREAMED = Kind("text streamed", gateway.TEXT, TEXT_PATH, stream=True)
EMBEDDING = Kind("embedding", gateway.EMBEDDING, EMBEDDINGS_PATH)
RETRIED = Kind("429, then retried", gateway.RATE_LIMITED_ONCE, attempts=2)
FALLING_BACK = Kind("falling back", gateway.WITH_FALLBACK, attempts=3)
FALLING_BACK_STREAMED = Kind(
    "falling back, streamed", gateway.WITH_FALLBACK, attempts=3, stream=True
)
# So long a stream that it has not ended before a busy machine's proxy sees that nobody reads it any more.
BROKEN_OFF = Kind(
    "broken off", gateway.SLOW, status="cancelled", stream=True, tokens=400, leave_after=3
)
FAILING = Kind("failing", gateway.FAILING, http=500, status="error", attempts=2)
OUT_OF_QUOTA = Kind("out of quota", gateway.OUT_OF_QUOTA, http=429, status="error", attempts=2)
WRONG_KEY = Kind("wrong key", gateway.CHAT, http=400, status="rejected", attempts=0, wrong_key=True)
UNKNOWN_MODEL = Kind("unknown model", "no-such-model", http=400, status="rejected", attempts=0)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        WHOLE,
        STREAMED,
        TEXT,
        TEXT_STREAMED,
        EMBEDDING,
        RETRIED,
        FALLING_BACK,
        FALLING_BACK_STREAMED,
        BROKEN_OFF,
        FAILING,
        OUT_OF_QUOTA,
        WRONG_KEY,
        UNKNOWN_MODEL,
    )
}

Mix = Mapping[Kind, int]
