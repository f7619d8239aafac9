"""Google's Gemini API: generateContent, whole and streamed; interactions and agents.

``cachedContent`` makes two tokens of the prompt cached ones, ``thinkingConfig`` adds thoughts, audio given is
counted as `AUDIO_TOKENS`; with images asked for, `IMAGE_TOKENS` come out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    event,
    header,
    words,
)

THOUGHT_TOKENS = 6
CACHED_TOKENS = 2
AUDIO_TOKENS = 32
IMAGE_TOKENS = 1290
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def _error(problem: Problem) -> Any:
    status = _STATUSES.get(problem.status, "UNKNOWN")
    return {"error": {"code": problem.status, "message": problem.message, "status": status}}


GOOGLE = Api(header("x-goog-api-key"), "x-goog-api-key", _error, key_parameter="key")


# -- generateContent --------------------------------------------------------------------------


class _Content:
    def __init__(self, asked: Asked) -> None:
        config = asked.fields.get("generationConfig") or {}
        self.length: int = config.get("maxOutputTokens") or DEFAULT_LENGTH
        self._words = words(self.length)
        self._prompt = asked.words_asked
        parts = [part for turn in asked.fields["contents"] for part in turn["parts"]]
        heard = (part.get("inlineData") or part.get("inline_data") or {} for part in parts)
        mimes = [str(data.get("mimeType") or data.get("mime_type")) for data in heard]
        self._audio = AUDIO_TOKENS if any(mime.startswith("audio/") for mime in mimes) else 0
        self._image = IMAGE_TOKENS if "IMAGE" in (config.get("responseModalities") or ()) else 0
        self._thoughts = THOUGHT_TOKENS if config.get("thinkingConfig") else 0
        self._cached = CACHED_TOKENS if asked.fields.get("cachedContent") else 0
        self._about = {"modelVersion": asked.model, "responseId": f"standin{asked.number:08d}"}

    def usage(self) -> dict[str, Any]:
        prompt, made = self._prompt + self._audio, self.length + self._image
        given = [{"modality": "TEXT", "tokenCount": self._prompt}]
        if self._audio:
            given.append({"modality": "AUDIO", "tokenCount": self._audio})
        usage: dict[str, Any] = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": made,
            "totalTokenCount": prompt + made + self._thoughts,
            "promptTokensDetails": given,
        }
        if self._thoughts:
            usage["thoughtsTokenCount"] = self._thoughts
        if self._cached:
            usage["cachedContentTokenCount"] = self._cached
        if self._image:
            details = [{"modality": "IMAGE", "tokenCount": self._image}]
            usage["candidatesTokensDetails"] = details
        return usage

    def _part(self, text: str, reason: str | None, usage: dict[str, Any]) -> dict[str, Any]:
        content = {"parts": [{"text": text}], "role": "model"}
        candidate: dict[str, Any] = {"content": content, "index": 0}
        if reason:
            candidate["finishReason"] = reason
        return {"candidates": [candidate], "usageMetadata": usage, **self._about}

    def whole(self) -> dict[str, Any]:
        return self._part("".join(self._words), "STOP", self.usage())

    def parts(self) -> Iterator[dict[str, Any]]:
        begun = {"promptTokenCount": self._prompt, "totalTokenCount": self._prompt}
        for word in self._words[:-1]:
            yield self._part(word, None, begun)
        yield self._part(self._words[-1], "STOP", self.usage())


def _generate(asked: Asked) -> Reply:
    content = _Content(asked)
    return Json(content.whole(), content.length)


def _generate_stream(asked: Asked) -> Reply:
    content = _Content(asked)
    if asked.query.get("alt") != "sse":
        return Json(list(content.parts()), content.length)
    return Events((event(part) for part in content.parts()), tokens=content.length)


def _invalid_contents(asked: Asked) -> Invalid | None:
    contents = asked.fields["contents"]
    if not isinstance(contents, list) or not contents:
        return Invalid("* GenerateContentRequest.contents: contents is not specified")
    for turn in contents:
        if turn.get("role", "user") not in ("user", "model"):
            return Invalid("Please use a valid role: user, model.")
        if not turn.get("parts"):
            return Invalid("* GenerateContentRequest.contents: contents.parts must not be empty.")
    config = asked.fields.get("generationConfig") or {}
    temperature = config.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        return Invalid("* GenerateContentRequest.generation_config.temperature: [0.0, 2.0]")
    return None


# -- interactions and agents ------------------------------------------------------------------

_TIMES = {"created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:01Z"}


def _interaction_of(asked: Asked, status: str) -> dict[str, Any]:
    given = len(json.dumps(asked.fields.get("input", "")).split())
    text = {"type": "text", "text": "".join(words(DEFAULT_LENGTH))}
    usage = {
        "total_input_tokens": given,
        "total_output_tokens": DEFAULT_LENGTH,
        "total_tokens": given + DEFAULT_LENGTH,
        "total_cached_tokens": 0,
        "total_thought_tokens": 0,
    }
    done = {"steps": [{"type": "model_output", "content": [text]}], "usage": usage}
    return {
        "id": asked.ids.get("interaction_id") or f"v1_standin{asked.number}",
        "object": "interaction",
        "model": asked.model or "gemini-2.5-flash",
        "status": status,
        **_TIMES,
        **(done if status == "completed" else {}),
    }


def _interaction(asked: Asked) -> Reply:
    if asked.streamed:
        return Events(_interaction_events(asked), tokens=DEFAULT_LENGTH)
    return Json(_interaction_of(asked, "completed"), DEFAULT_LENGTH)


def _interaction_events(asked: Asked) -> Iterator[bytes]:
    begun = _interaction_of(asked, "in_progress")
    yield event({"event_type": "interaction.created", "interaction": begun})
    yield event({"event_type": "step.start", "index": 0, "step": {"type": "model_output"}})
    for word in words(DEFAULT_LENGTH):
        delta = {"type": "text", "text": word}
        yield event({"event_type": "step.delta", "index": 0, "delta": delta})
    yield event({"event_type": "step.stop", "index": 0})
    done = _interaction_of(asked, "completed")
    yield event({"event_type": "interaction.completed", "interaction": done})


def _needs_model_or_agent(asked: Asked) -> Invalid | None:
    if asked.fields.get("model") or asked.fields.get("agent"):
        return None
    return Invalid("One of model and agent has to be set.")


def _cancelled(asked: Asked) -> Reply:
    return Json(_interaction_of(asked, "cancelled"))


def _agent_of(asked: Asked) -> dict[str, Any]:
    name = asked.ids.get("name") or asked.fields.get("name") or "standin"
    base = asked.fields.get("base_agent") or "standin-base"
    return {"name": name, "base_agent": base, "version": "1", **_TIMES}


def _agent(asked: Asked) -> Reply:
    return Json(_agent_of(asked))


def _agents(asked: Asked) -> Reply:
    return Json({"agents": [_agent_of(asked)]})


def _versions(asked: Asked) -> Reply:
    return Json({"versions": [_agent_of(asked)]})


def _nothing(_: Asked) -> Reply:
    return Json({})


_INTERACTION = "/v1beta/interactions/{interaction_id}"
_AGENT = "/v1beta/agents/{name}"

ENDPOINTS = (
    *(
        Endpoint(
            GOOGLE,
            "POST",
            f"{version}/models/{{model}}:{verb}",
            answer,
            required=("contents",),
            content="contents",
            check=_invalid_contents,
            always_streams=verb.startswith("stream"),
        )
        for version in ("", "/v1beta", "/v1")
        for verb, answer in (
            ("generateContent", _generate),
            ("streamGenerateContent", _generate_stream),
        )
    ),
    Endpoint(
        GOOGLE,
        "POST",
        "/v1beta/interactions",
        _interaction,
        required=("input",),
        content="input",
        check=_needs_model_or_agent,
        streams=True,
    ),
    Endpoint(GOOGLE, "GET", _INTERACTION, _interaction, ""),
    Endpoint(GOOGLE, "DELETE", _INTERACTION, _nothing, ""),
    Endpoint(GOOGLE, "POST", f"{_INTERACTION}:cancel", _cancelled, ""),
    Endpoint(GOOGLE, "POST", "/v1beta/agents", _agent, required=("name", "base_agent")),
    Endpoint(GOOGLE, "GET", "/v1beta/agents", _agents, ""),
    Endpoint(GOOGLE, "GET", _AGENT, _agent, ""),
    Endpoint(GOOGLE, "DELETE", _AGENT, _nothing, ""),
    Endpoint(GOOGLE, "GET", f"{_AGENT}/versions", _versions, ""),
)
