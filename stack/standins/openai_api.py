"""The parts of OpenAI's API that the provider stand-in speaks: what it accepts and answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_DEFAULT_LENGTH = 8
_EMBEDDING = [0.01, -0.02, 0.03, 0.04]


@dataclass(frozen=True)
class Invalid:
    """What is wrong with a request."""

    message: str
    param: str | None


@dataclass(frozen=True)
class Endpoint:
    """One path of the API: the field that holds the prompt and how answers are built."""

    path: str
    prompt_field: str
    object: str
    chunk_object: str = ""

    def invalid(self, body: Any) -> Invalid | None:
        if not isinstance(body, dict):
            return Invalid("We could not parse the JSON body of your request.", None)
        if not isinstance(body.get("model"), str) or not body["model"]:
            return Invalid("you must provide a model parameter", "model")
        if self.prompt_field not in body:
            return Invalid(f"Missing required parameter: '{self.prompt_field}'.", self.prompt_field)
        if self.prompt_field == "messages" and (problem := _invalid_messages(body["messages"])):
            return problem
        return _invalid_options(body, streams=bool(self.chunk_object))

    def prompt(self, body: dict[str, Any]) -> str:
        return json.dumps(body.get(self.prompt_field), ensure_ascii=False)


CHAT = Endpoint("/chat/completions", "messages", "chat.completion", "chat.completion.chunk")
TEXT = Endpoint("/completions", "prompt", "text_completion", "text_completion")
EMBEDDINGS = Endpoint("/embeddings", "input", "list")
RESPONSES = Endpoint("/responses", "input", "response", "response")
ENDPOINTS = (CHAT, TEXT, EMBEDDINGS, RESPONSES)


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


def _invalid_options(body: dict[str, Any], *, streams: bool) -> Invalid | None:
    if body.get("stream") and not streams:
        return Invalid("Unrecognized request argument supplied: stream", "stream")
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


class Answer:
    """The answer to one accepted request: as many words as tokens were asked for."""

    def __init__(self, endpoint: Endpoint, body: dict[str, Any], number: int) -> None:
        self.endpoint = endpoint
        self.model = body["model"]
        self.id = f"{'chatcmpl' if endpoint is CHAT else 'cmpl'}-standin{number:08d}"
        self.created = int(time.time())
        length = body.get("max_completion_tokens") or body.get("max_tokens")
        self.length = length or body.get("max_output_tokens") or _DEFAULT_LENGTH
        self.words = [f"word{index} " for index in range(self.length)]
        self.prompt_tokens = max(1, len(endpoint.prompt(body).split()))
        inputs = body.get("input")
        self.inputs: list[Any] = inputs if isinstance(inputs, list) else [inputs]
        self.with_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    @property
    def usage(self) -> dict[str, Any]:
        if self.endpoint is EMBEDDINGS:
            return {"prompt_tokens": self.prompt_tokens, "total_tokens": self.prompt_tokens}
        total = self.prompt_tokens + self.length
        if self.endpoint is RESPONSES:
            return {
                "input_tokens": self.prompt_tokens,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": self.length,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": total,
            }
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.length,
            "total_tokens": total,
        }

    def whole(self) -> dict[str, Any]:
        head = {"object": self.endpoint.object, "model": self.model, "usage": self.usage}
        if self.endpoint is EMBEDDINGS:
            data = [
                {"object": "embedding", "index": index, "embedding": _EMBEDDING}
                for index, _ in enumerate(self.inputs)
            ]
            return {**head, "data": data}
        if self.endpoint is RESPONSES:
            return self._response("completed")
        text = "".join(self.words)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": None}
        if self.endpoint is CHAT:
            choice["message"] = {"role": "assistant", "content": text, "refusal": None}
        else:
            choice["text"] = text
        return {"id": self.id, "created": self.created, **head, "choices": [choice]}

    def chunks(self) -> Iterator[bytes]:
        """The server-sent events of a stream; content chunks carry one word each."""
        if self.endpoint is RESPONSES:
            yield from self._response_events()
            return
        for index, word in enumerate(self.words):
            delta = {"role": "assistant", "content": word} if index == 0 else {"content": word}
            yield self._chunk({"delta": delta} if self.endpoint is CHAT else {"text": word})
        yield self._chunk({"delta": {}} if self.endpoint is CHAT else {"text": ""}, "stop")
        if self.with_usage:
            yield _event({**self._chunk_head(), "choices": [], "usage": self.usage})
        yield b"data: [DONE]\n\n"

    def _chunk(self, content: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, **content, "finish_reason": finish, "logprobs": None}
        return _event({**self._chunk_head(), "choices": [choice]})

    def _chunk_head(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": self.endpoint.chunk_object,
            "created": self.created,
            "model": self.model,
        }

    def _response(self, status: str) -> dict[str, Any]:
        done = status == "completed"
        part = {"type": "output_text", "text": "".join(self.words), "annotations": []}
        message = {
            "type": "message",
            "id": f"msg_{self.id}",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
        return {
            "id": f"resp_{self.id}",
            "object": "response",
            "created_at": self.created,
            "status": status,
            "model": self.model,
            "output": [message] if done else [],
            "usage": self.usage if done else None,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }

    def _response_events(self) -> Iterator[bytes]:
        numbers = iter(range(self.length + 2))

        def event(kind: str, **fields: Any) -> bytes:
            body = {"type": kind, "sequence_number": next(numbers), **fields}
            return f"event: {kind}\n".encode() + _event(body)

        yield event("response.created", response=self._response("in_progress"))
        for word in self.words:
            yield event(
                "response.output_text.delta",
                item_id=f"msg_{self.id}",
                output_index=0,
                content_index=0,
                delta=word,
            )
        yield event("response.completed", response=self._response("completed"))


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"
