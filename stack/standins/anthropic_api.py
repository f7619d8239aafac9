"""Anthropic's API: messages, whole and streamed, and skills.

Blocks with ``cache_control`` in the system prompt are read from the cache, those in messages are written to
it, for five minutes or an hour as they ask; the rest of the prompt is plain input. ``thinking`` comes before
the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .endpoint import (
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
    tokens_of,
    words,
)

THINKING_TOKENS = 4
FEDERATED_TOKEN = "sk-ant-oat01-standin"
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
}


def _error(problem: Problem) -> Any:
    kind = _ERROR_TYPES.get(problem.status, "api_error")
    error = {"type": kind, "message": problem.message}
    return {"type": "error", "error": error, "request_id": "req_standin"}


def _needs_version(headers: Mapping[str, str]) -> Invalid | None:
    if headers.get("anthropic-version"):
        return None
    return Invalid("anthropic-version: header is required")


def _headers(tokens: int) -> Mapping[str, str]:
    return {
        "request-id": "req_standin",
        "anthropic-organization-id": "standin",
        "anthropic-ratelimit-requests-limit": "500",
        "anthropic-ratelimit-requests-remaining": "499",
        "anthropic-ratelimit-tokens-limit": "200000",
        "anthropic-ratelimit-tokens-remaining": str(200_000 - tokens),
    }


def _key(headers: Mapping[str, str]) -> str:
    """An API key, or a token that was given for an identity."""
    token = bearer(headers)
    return header("x-api-key")(headers) or (token if token == FEDERATED_TOKEN else "")


ANTHROPIC = Api(_key, "x-api-key", _error, _headers, needs=_needs_version)
IDENTITIES = Api(lambda _: "none", "", _error)
"""Where tokens are given out: the identity is in the request."""


class _Counts(NamedTuple):
    plain: int
    read: int
    written_5m: int
    written_1h: int
    output: int

    def usage(self) -> dict[str, Any]:
        lifetimes = {
            "ephemeral_5m_input_tokens": self.written_5m,
            "ephemeral_1h_input_tokens": self.written_1h,
        }
        return {
            "input_tokens": self.plain,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": lifetimes,
            "output_tokens": self.output,
            "service_tier": "standard",
        }


def _blocks(content: Any) -> Iterator[tuple[str, str | None]]:
    """The texts of some content, each with how long it is to be cached, if it is."""
    if isinstance(content, str):
        yield content, None
        return
    for block in content or ():
        if isinstance(block, dict):
            control = block.get("cache_control")
            ttl = control.get("ttl", "5m") if isinstance(control, dict) else None
            yield str(block.get("text") or block.get("content") or ""), ttl


def _counts(asked: Asked, length: int) -> _Counts:
    plain = read = 0
    written = {"5m": 0, "1h": 0}
    for text, ttl in _blocks(asked.fields.get("system")):
        if ttl is None:
            plain += tokens_of(text)
        else:
            read += tokens_of(text)
    for message in asked.fields["messages"]:
        for text, ttl in _blocks(message["content"]):
            if ttl is None:
                plain += tokens_of(text)
            else:
                written[ttl] += tokens_of(text)
    thinking = THINKING_TOKENS if _thinks(asked) else 0
    return _Counts(max(1, plain), read, written["5m"], written["1h"], length + thinking)


def _thinks(asked: Asked) -> bool:
    return (asked.fields.get("thinking") or {}).get("type") in ("enabled", "adaptive")


class _Message:
    def __init__(self, asked: Asked) -> None:
        length = min(asked.fields["max_tokens"], 8)
        self.counts = _counts(asked, length)
        self._words = words(length)
        tool = _tool_asked_for(asked.fields)
        self.blocks: list[dict[str, Any]] = []
        if _thinks(asked):
            thought = {"type": "thinking", "thinking": "word0 word1", "signature": "c3RhbmRpbg=="}
            self.blocks.append(thought)
        self.blocks.append(tool or {"type": "text", "text": "".join(self._words)})
        self.reason = "tool_use" if tool else "end_turn"
        self.head: dict[str, Any] = {
            "id": f"msg_standin{asked.number:08d}",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
        }

    def whole(self) -> dict[str, Any]:
        ending = {"stop_reason": self.reason, "stop_sequence": None}
        return {**self.head, "content": self.blocks, **ending, "usage": self.counts.usage()}

    def events(self) -> Iterator[bytes]:
        def told(kind: str, **fields: Any) -> bytes:
            return event({"type": kind, **fields}, kind)

        begun = {**self.counts.usage(), "output_tokens": 1}
        unended = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": begun}
        yield told("message_start", message={**self.head, **unended})
        for index, block in enumerate(self.blocks):
            yield told("content_block_start", index=index, content_block=_empty(block))
            if index == 0:
                yield told("ping")
            for delta in self._deltas(block):
                yield told("content_block_delta", index=index, delta=delta)
            yield told("content_block_stop", index=index)
        ending = {"stop_reason": self.reason, "stop_sequence": None}
        yield told("message_delta", delta=ending, usage={"output_tokens": self.counts.output})
        yield told("message_stop")

    def _deltas(self, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if block["type"] == "text":
            yield from ({"type": "text_delta", "text": word} for word in self._words)
        elif block["type"] == "thinking":
            yield {"type": "thinking_delta", "thinking": block["thinking"]}
            yield {"type": "signature_delta", "signature": block["signature"]}
        else:
            yield {"type": "input_json_delta", "partial_json": '{"word": "word0"}'}


def _empty(block: dict[str, Any]) -> dict[str, Any]:
    """A block as a stream begins it."""
    if block["type"] == "tool_use":
        return {**block, "input": {}}
    return {name: value if name == "type" else "" for name, value in block.items()}


def _tool_asked_for(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """A use of the first tool, if one has to be used."""
    tools = body.get("tools")
    if not tools or (body.get("tool_choice") or {}).get("type") not in ("any", "tool"):
        return None
    named = {"id": "toolu_standin0001", "name": tools[0]["name"]}
    return {"type": "tool_use", **named, "input": {"word": "word0"}}


def _messages(asked: Asked) -> Reply:
    message = _Message(asked)
    tokens = message.counts.plain + message.counts.output
    if asked.streamed:
        return Events(message.events(), tokens=tokens)
    return Json(message.whole(), tokens)


def _invalid_messages(asked: Asked) -> Invalid | None:
    body = asked.fields
    if not isinstance(body["messages"], list) or not body["messages"]:
        return Invalid("messages: at least one message is required", "messages")
    for index, message in enumerate(body["messages"]):
        if message.get("role") not in ("user", "assistant"):
            return Invalid(f"messages.{index}.role: Input should be 'user' or 'assistant'")
        if not message.get("content"):
            return Invalid(f"messages.{index}.content: Field required")
    if not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1:
        return Invalid("max_tokens: Input should be greater than or equal to 1")
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 1:
        return Invalid("temperature: range: 0..1")
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled" and thinking.get("budget_tokens", 0) < 1024:
        return Invalid("thinking.enabled.budget_tokens: Input should be at least 1024")
    return None


# -- workload identities ----------------------------------------------------------------------


def _token(_: Asked) -> Reply:
    return Json({"access_token": FEDERATED_TOKEN, "expires_in": 3600, "token_type": "Bearer"})


def _invalid_identity(asked: Asked) -> Invalid | None:
    if asked.fields["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer":
        return Invalid("unsupported_grant_type")
    return None


# -- skills -----------------------------------------------------------------------------------

_TIMES = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}


def _skill_of(asked: Asked) -> dict[str, Any]:
    identifier = asked.ids.get("skill_id") or f"skill_standin{asked.number}"
    title = asked.fields.get("display_title") or "standin"
    about = {"display_title": title, "source": "custom", "latest_version": "1", **_TIMES}
    return {"id": identifier, "type": "skill", **about}


def _skill(asked: Asked) -> Reply:
    return Json(_skill_of(asked))


def _skills(asked: Asked) -> Reply:
    return Json({"data": [_skill_of(asked)], "has_more": False, "next_page": None})


def _deleted_skill(asked: Asked) -> Reply:
    return Json({"id": asked.ids["skill_id"], "type": "skill_deleted"})


def _valid_skill(asked: Asked) -> Invalid | None:
    names = [upload.name for uploads in asked.files.values() for upload in uploads]
    if not any(name.endswith("SKILL.md") for name in names):
        return Invalid("SKILL.md is required at the root of the skill")
    return None


def _known(asked: Asked) -> Invalid | None:
    wanted = asked.ids["skill_id"]
    return None if wanted.startswith("skill_") else Invalid(f"skill {wanted}", status=404)


ENDPOINTS = (
    Endpoint(
        ANTHROPIC,
        "POST",
        "/v1/messages",
        _messages,
        required=("model", "messages", "max_tokens"),
        content="messages",
        check=_invalid_messages,
        streams=True,
    ),
    Endpoint(
        IDENTITIES,
        "POST",
        "/v1/oauth/token",
        _token,
        required=("grant_type", "assertion", "federation_rule_id", "organization_id"),
        check=_invalid_identity,
    ),
    Endpoint(ANTHROPIC, "POST", "/v1/skills", _skill, "form", check=_valid_skill),
    Endpoint(ANTHROPIC, "GET", "/v1/skills", _skills, ""),
    Endpoint(ANTHROPIC, "GET", "/v1/skills/{skill_id}", _skill, "", check=_known),
    Endpoint(ANTHROPIC, "DELETE", "/v1/skills/{skill_id}", _deleted_skill, "", check=_known),
)
