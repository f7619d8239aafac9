"""Amazon Bedrock's Converse API, as far as LiteLLM transcribes with it: a recording in, its text out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .endpoint import DEFAULT_LENGTH, Api, Asked, Endpoint, Invalid, Json, Problem, Reply, words
from .endpoint import bearer as bearer_of

_SIGNED = "AWS4-HMAC-SHA256 Credential="


def _key(headers: Mapping[str, str]) -> str:
    """The API key, or the access key that the request is signed with."""
    _, signed, rest = headers.get("Authorization", "").partition(_SIGNED)
    return rest.partition("/")[0] if signed else bearer_of(headers)


def _message(problem: Problem) -> Any:
    return {"message": problem.message}


BEDROCK = Api(_key, "Authorization", _message)


def _converse(asked: Asked) -> Reply:
    message = {"role": "assistant", "content": [{"text": "".join(words(DEFAULT_LENGTH))}]}
    tokens = asked.words_asked
    usage = {"inputTokens": tokens, "outputTokens": DEFAULT_LENGTH}
    usage["totalTokens"] = tokens + DEFAULT_LENGTH
    body = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
    return Json({**body, "metrics": {"latencyMs": 1}}, usage["totalTokens"])


def _has_a_recording(asked: Asked) -> Invalid | None:
    blocks = [block for each in asked.fields["messages"] for block in each.get("content", ())]
    if any(block.get("audio", {}).get("source", {}).get("bytes") for block in blocks):
        return None
    return Invalid("The messages have no audio block.")


ENDPOINTS = (
    Endpoint(
        BEDROCK,
        "POST",
        "/model/{model}/converse",
        _converse,
        required=("messages",),
        content="messages",
        check=_has_a_recording,
    ),
)
