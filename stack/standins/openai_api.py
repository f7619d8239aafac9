"""The core of OpenAI's API: chat and text completions, embeddings, moderations; what all its paths share."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .endpoint import (
    DEFAULT_LENGTH,
    Api,
    Asked,
    Endpoint,
    Events,
    Invalid,
    Json,
    Problem,
    Reply,
    bearer,
    event,
    header,
    words,
)

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_EMBEDDING = [0.01, -0.02, 0.03, 0.04]
REQUESTS_LIMIT, TOKENS_LIMIT = 500, 200_000
_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")
REASONING_TOKENS = 5
AUDIO_TOKENS = 3


def _error(problem: Problem) -> Any:
    return {
        "error": {
            "message": problem.message,
            "type": problem.type,
            "param": problem.param,
            "code": problem.code,
        }
    }


def _headers(tokens: int) -> Mapping[str, str]:
    return {
        "openai-organization": "standin",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-request-id": f"req_{time.monotonic_ns():x}",
        "x-ratelimit-limit-requests": str(REQUESTS_LIMIT),
        "x-ratelimit-remaining-requests": str(REQUESTS_LIMIT - 1),
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": str(TOKENS_LIMIT),
        "x-ratelimit-remaining-tokens": str(TOKENS_LIMIT - tokens),
        "x-ratelimit-reset-tokens": "6ms",
    }


def _key(headers: Mapping[str, str]) -> str:
    key = bearer(headers)
    return key if key.startswith(("sk-", "ek_")) else ""


OPENAI = Api(_key, "Authorization: Bearer sk-…", _error, _headers)
AZURE = Api(header("api-key"), "api-key", _error)


# -- what is refused --------------------------------------------------------------------------


def _invalid_messages(messages: Any) -> Invalid | None:
    if not isinstance(messages, list) or not messages:
        return Invalid("[] is too short - 'messages'", "messages")
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            return Invalid(f"Invalid value: '{where}.role'.", f"{where}.role")
        if message.get("content") is None and not message.get("tool_calls"):
            return Invalid(f"Missing required parameter: '{where}.content'.", f"{where}.content")
    return None


def invalid_options(asked: Asked) -> Invalid | None:
    """Sampling options out of their range."""
    body = asked.fields
    if body.get("stream_options") is not None and not body.get("stream"):
        return Invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("n", 1, 128)):
        value = body.get(name)
        if value is not None and not (isinstance(value, int | float) and low <= value <= high):
            return Invalid(f"Invalid '{name}': must be between {low} and {high}.", name)
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        value = body.get(name)
        if value is not None and not (isinstance(value, int) and value >= 1):
            return Invalid(f"Invalid '{name}': integer below minimum value.", name)
    return None


def _invalid_chat(asked: Asked) -> Invalid | None:
    return _invalid_messages(asked.fields["messages"]) or invalid_options(asked)


# -- answers ----------------------------------------------------------------------------------


class Counts:
    """The tokens of an answer, and of those the ones a real provider tells apart.

    Half of the prompt comes from the cache if ``prompt_cache_key`` is given; models that reason, and
    ``reasoning_effort``, cost `REASONING_TOKENS`; models with "audio" in their name, `AUDIO_TOKENS` each way.
    """

    def __init__(self, asked: Asked) -> None:
        body = asked.fields
        length = body.get("max_completion_tokens") or body.get("max_tokens")
        self.length: int = length or body.get("max_output_tokens") or DEFAULT_LENGTH
        self.prompt = asked.words_asked
        self.cached = self.prompt // 2 if body.get("prompt_cache_key") else 0
        reasons = body.get("reasoning_effort") or body.get("reasoning")
        reasons = reasons or asked.model.startswith(_REASONING_MODELS)
        self.reasoning = REASONING_TOKENS if reasons else 0
        self.audio = AUDIO_TOKENS if "audio" in asked.model else 0
        self.output = self.length + self.reasoning
        self.total = self.prompt + self.output

    def of_completion(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.output,
            "total_tokens": self.total,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": self.audio},
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning,
                "audio_tokens": self.audio,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


class Completion:
    """The answer to a chat or text completion: as many words as tokens were asked for."""

    def __init__(self, asked: Asked, *, chat: bool) -> None:
        self._chat = chat
        self._asked = asked
        self._counts = Counts(asked)
        self._usage = self._counts.of_completion()
        if not chat:
            del self._usage["prompt_tokens_details"], self._usage["completion_tokens_details"]
        self._words = words(self._counts.length)
        self._tool = _tool_asked_for(asked.fields) if chat else None
        self._reason = "tool_calls" if self._tool else "stop"
        kind = "chat.completion" if chat else "text_completion"
        self._head: dict[str, Any] = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-standin{asked.number:08d}",
            "object": kind,
            "created": int(time.time()),
            "model": asked.model,
            "system_fingerprint": "fp_standin",
        }
        if chat:
            self._head["service_tier"] = "default"

    def reply(self) -> Reply:
        if self._asked.streamed:
            return Events(self._chunks(), tokens=self._counts.total)
        choices = [
            {"index": index, "finish_reason": self._reason, "logprobs": None, **self._said()}
            for index in range(self._asked.fields.get("n") or 1)
        ]
        return Json({**self._head, "choices": choices, "usage": self._usage}, self._counts.total)

    def _said(self) -> dict[str, Any]:
        text = "".join(self._words)
        if not self._chat:
            return {"text": text}
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if self._tool:
            message |= {"content": None, "tool_calls": [self._tool]}
        return {"message": message}

    def _chunks(self) -> Iterator[bytes]:
        if self._chat:
            self._head["object"] = "chat.completion.chunk"
        if self._tool:
            call = {"index": 0, **self._tool}
            yield self._chunk({"delta": {"role": "assistant", "tool_calls": [call]}})
        else:
            for index, word in enumerate(self._words):
                delta = {"role": "assistant", "content": word} if index == 0 else {"content": word}
                yield self._chunk({"delta": delta} if self._chat else {"text": word})
        yield self._chunk({"delta": {}} if self._chat else {"text": ""}, self._reason)
        if (self._asked.fields.get("stream_options") or {}).get("include_usage"):
            yield event({**self._head, "choices": [], "usage": self._usage})
        yield b"data: [DONE]\n\n"

    def _chunk(self, content: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, **content, "finish_reason": finish, "logprobs": None}
        return event({**self._head, "choices": [choice]})


def _tool_asked_for(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """A call of the first tool, if one has to be called."""
    choice, tools = body.get("tool_choice"), body.get("tools")
    if not tools or not (choice == "required" or isinstance(choice, dict)):
        return None
    function = {"name": tools[0]["function"]["name"], "arguments": json.dumps({"word": "word0"})}
    return {"id": "call_standin0001", "type": "function", "function": function}


def _embeddings(asked: Asked) -> Reply:
    given = asked.fields["input"]
    vectors = [
        {"object": "embedding", "index": index, "embedding": _EMBEDDING}
        for index, _ in enumerate(given if isinstance(given, list) else [given])
    ]
    tokens = asked.words_asked
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    body = {"object": "list", "data": vectors, "model": asked.model, "usage": usage}
    return Json(body, tokens)


def _moderation(asked: Asked) -> Reply:
    categories = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")
    given = asked.fields["input"]
    result = {
        "flagged": False,
        "categories": dict.fromkeys(categories, False),
        "category_scores": dict.fromkeys(categories, 0.0001),
        "category_applied_input_types": {category: ["text"] for category in categories},
    }
    results = [result for _ in (given if isinstance(given, list) else [given])]
    model = asked.model or "omni-moderation-latest"
    return Json({"id": f"modr-standin{asked.number}", "model": model, "results": results})


def _chat(asked: Asked) -> Reply:
    return Completion(asked, chat=True).reply()


def _text(asked: Asked) -> Reply:
    return Completion(asked, chat=False).reply()


ENDPOINTS = (
    Endpoint(
        OPENAI,
        "POST",
        "/v1/chat/completions",
        _chat,
        required=("model", "messages"),
        content="messages",
        check=_invalid_chat,
        streams=True,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/completions",
        _text,
        required=("model", "prompt"),
        content="prompt",
        check=invalid_options,
        streams=True,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/embeddings",
        _embeddings,
        required=("model", "input"),
        content="input",
    ),
    Endpoint(OPENAI, "POST", "/v1/moderations", _moderation, required=("input",), content="input"),
    Endpoint(
        AZURE,
        "POST",
        "/openai/deployments/{model}/chat/completions",
        _chat,
        required=("messages",),
        content="messages",
        check=_invalid_chat,
        streams=True,
    ),
)
