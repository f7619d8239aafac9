"""Where a route does not end as its way's rule says, and where a way's end is not reached on a route at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.component.matrix.ways import (
    ABANDONED,
    BAD_KEY,
    CANCELLED,
    DISCONNECTED,
    GOOD,
    REFUSED,
    SERVER_ERROR,
    TIMEOUT,
    Ending,
)

ANSWERED: Mapping[str, Any] = {
    "status": 200,
    "request": GOOD,
    "attempts": (GOOD,),
    "call": None,
    "broken": False,
    "accepted": True,
    "cools": False,
}
"""What a row of `UNREACHED` leaves behind: all goes well all the same."""

_NOT_CHECKED = "LiteLLM asks its hooks nothing about this route"
_NO_TIMEOUT = "LiteLLM does not hand the timeout on"
_OTHER_SERVERS = "tools and agents have servers of their own here, which do not break off"
_NEVER_COOLS = "LiteLLM cools no deployment down for what it fails in on this route"
_UNCOOLED = (
    *("text completion, streamed", "generateContent", "streamGenerateContent", "interaction*"),
    *("OCR", "decisions", "systemone", "video", "passed to Azure*"),
)
UNREACHED: Mapping[str, str] = {
    "connection lost/tool": _OTHER_SERVERS,
    "connection lost/agent*": _OTHER_SERVERS,
    "cut */agent, streamed": _OTHER_SERVERS,
    "timeout/response": _NO_TIMEOUT,
    "timeout/response's input": _NO_TIMEOUT,
    "timeout/video's *": _NO_TIMEOUT,
    "timeout/passed *": _NO_TIMEOUT,
    "timeout/moderation": _NO_TIMEOUT,
    "timeout/container": _NO_TIMEOUT,
    "timeout/containers": _NO_TIMEOUT,
    "timeout/evals": _NO_TIMEOUT,
    "timeout/skill*": _NO_TIMEOUT,
    "timeout/store": _NO_TIMEOUT,
    "timeout/store's text": _NO_TIMEOUT,
    "timeout/interaction kept": _NO_TIMEOUT,
    "timeout/tool": _NO_TIMEOUT,
    "timeout/agent*": _NO_TIMEOUT,
    "guardrail before/assistant*": _NOT_CHECKED,
    "guardrail before/thread*": _NOT_CHECKED,
    "guardrail before/said": _NOT_CHECKED,
    "guardrail before/run*": _NOT_CHECKED,
    "guardrail before/tool": _NOT_CHECKED,
    "guardrail before/passed to Azure*": _NOT_CHECKED,
    "guardrail during/image": _NOT_CHECKED,
    "guardrail during/transcription": _NOT_CHECKED,
    "guardrail during/speech": _NOT_CHECKED,
    "guardrail during/rerank": _NOT_CHECKED,
    "guardrail during/moderation": _NOT_CHECKED,
    "guardrail during/file*": _NOT_CHECKED,
    "guardrail during/batch*": _NOT_CHECKED,
    "guardrail during/assistant*": _NOT_CHECKED,
    "guardrail during/thread*": _NOT_CHECKED,
    "guardrail during/said": _NOT_CHECKED,
    "guardrail during/run*": _NOT_CHECKED,
    "guardrail during/passed *": _NOT_CHECKED,
    "guardrail during/tool": _NOT_CHECKED,
    "guardrail during/agent*": _NOT_CHECKED,
    "guardrail after/transcription": _NOT_CHECKED,
    "guardrail after/speech": _NOT_CHECKED,
    "guardrail after/rerank": _NOT_CHECKED,
    "guardrail after/moderation": _NOT_CHECKED,
    "guardrail after/file": _NOT_CHECKED,
    "guardrail after/file deleted": _NOT_CHECKED,
    "guardrail after/file's content": _NOT_CHECKED,
    "guardrail after/assistant*": _NOT_CHECKED,
    "guardrail after/thread*": _NOT_CHECKED,
    "guardrail after/said": _NOT_CHECKED,
    "guardrail after/run*": _NOT_CHECKED,
    "guardrail after/passed *": _NOT_CHECKED,
    "guardrail after/tool": _NOT_CHECKED,
    "over the key's limit/assistant*": _NOT_CHECKED,
    "over the key's limit/thread*": _NOT_CHECKED,
    "over the key's limit/said": _NOT_CHECKED,
    "over the key's limit/run*": _NOT_CHECKED,
    "over the key's limit/passed to Azure*": _NOT_CHECKED,
    "fallback/image": "OpenAI's client tries again by itself, and that goes well",
    **{f"no deployment left/{route}": _NEVER_COOLS for route in _UNCOOLED},
}
"""Rows whose end LiteLLM, or what stands in for a provider, never comes to, and why."""


def _all(ending: Ending, **more: Any) -> dict[str, Any]:
    return {"request": ending, "attempts": (ending,), **more}


def _uncaught(ending: Ending) -> dict[str, Any]:
    _, _, kind = ending.error.partition("/")
    return _all(ending, status=500, answers_error=f"500/{kind}")


_UNCAUGHT = ("assistant made", "thread made", "thread", "said", "run")
_READ_ERROR = Ending("error", "ReadError/connection")
_PROTOCOL = Ending("error", "RemoteProtocolError/connection")
_BASE = Ending("error", "BaseLLMException/server")
_TOOL = Ending("error", "tool_error/other")
_AGENT = Ending("error", "A2AError/server")
_CLIENTS_TIMEOUT = Ending("error", "APITimeoutError/timeout")
_REFUSED_BY_STATUS = Ending("rejected", "400/bad_request")
_BY_PROVIDER = ("server error", "rate limit", "bad request", "bad key")

# Of a connection that breaks, LiteLLM's parts each have a word of their own; its chat, texts and most of
# what it writes JSON for say that the server failed.
_LOST_BY_GROUPS = (
    *("chat*", "text completion", "embeddings", "responses*", "messages*", "generateContent"),
    *("streamGenerateContent", "image edited", "rerank", "video", "eval*"),
)
_LOST = (
    *_LOST_BY_GROUPS,
    *("response", "response c*", "response d*", "response's input", "video's *", "video remixed"),
    *("store*", "container*", "skill*"),
)

DIFFERS: Mapping[str, Mapping[str, Any]] = {
    **{f"connection lost/{route}": _all(SERVER_ERROR) for route in _LOST},
    **{f"no connection/{route}": _all(SERVER_ERROR) for route in _LOST_BY_GROUPS},
    "connection lost/passed *": _all(_READ_ERROR),
    # Its last resort answers these, and with the web framework's word for it.
    **{
        f"{way}/passed to Azure*": _all(_BASE, status=503, answers_error="503/server")
        for way in ("connection lost", "no connection")
    },
    **{
        f"cut before the first chunk/{route}, streamed": _all(_READ_ERROR)
        for route in ("messages", "interaction")
    },
    "cut before the first chunk/streamGenerateContent": _all(_READ_ERROR),
    "cut before the first chunk/responses, streamed": _all(_READ_ERROR, status=200),
    "cut before the first chunk/text completion, streamed": _all(SERVER_ERROR),
    "cut before the first chunk/run, streamed": _all(_PROTOCOL),
    "cut before the first chunk/passed *": _all(
        _READ_ERROR, status=503, answers_error="503/connection", accepted=True
    ),
    **{
        f"cut in mid-stream/{route}, streamed": _all(_READ_ERROR)
        for route in ("responses", "messages", "interaction")
    },
    "cut in mid-stream/streamGenerateContent": _all(_READ_ERROR),
    "cut in mid-stream/text completion, streamed": _all(SERVER_ERROR),
    "cut in mid-stream/run, streamed": _all(_PROTOCOL),
    "cut in mid-stream/passed *": _all(_READ_ERROR, broken=True),
    "timeout/response deleted": _all(SERVER_ERROR, status=500),
    **{
        f"timeout/{route}": _all(_CLIENTS_TIMEOUT, status=500)
        for route in ("file*", "batch*", "run, streamed")
    },
    # What these raise nobody catches but the web framework.
    **{
        f"{way}/{route}": _uncaught(ending)
        for way, ending in (
            ("server error", SERVER_ERROR),
            ("bad key", BAD_KEY),
            ("connection lost", DISCONNECTED),
        )
        for route in _UNCAUGHT
    },
    **{
        f"bad request/{route}": {
            **_uncaught(REFUSED),
            "request": Ending("error", REFUSED.error),
        }
        for route in _UNCAUGHT
    },
    **{
        f"timeout/{route}": _all(TIMEOUT, status=503, answers_error="503/timeout")
        for route in _UNCAUGHT
    },
    **{f"{way}/tool": _all(_TOOL, status=200) for way in _BY_PROVIDER},
    **{f"{way}/agent": _all(_AGENT, status=500) for way in _BY_PROVIDER},
    **{f"{way}/agent, streamed": _all(_AGENT, status=200) for way in _BY_PROVIDER},
    # It answers those in JSON-RPC, and tells none of its hooks.
    "guardrail before/agent*": {"request": Ending("rejected", "400/bad_request")},
    "guardrail after/agent": {"request": Ending("rejected", "400/bad_request")},
    "over the key's limit/agent*": {"request": Ending("rejected", "429/rate_limit")},
    # LiteLLM counts it twice, as a request and as a tool's call.
    "over the key's limit/tool": {"key": "twice"},
    # Its limit of batches reads the file.
    "over the key's limit/batch made": {"attempts": (GOOD,), "attempt": "file_content"},
    # Ids of videos say whose they are, before anything else is looked at.
    **{
        f"{way}/video{which}": {"label": "film"}
        for way in ("guardrail before", "over the key's limit")
        for which in ("'s *", " remixed")
    },
    # Whether a stream that nobody wants any more is closed or just dropped.
    **{
        f"guardrail after/{route}, streamed": {"attempts": (CANCELLED,)}
        for route in ("chat", "messages", "agent")
    },
    "guardrail after/responses, streamed": {"broken": False},
    "guardrail during/text completion, streamed": {"attempts": (ABANDONED,)},
    "fallback/text completion, streamed": _all(SERVER_ERROR, status=500),
    **{f"cooldown/{route}": {"cools": False} for route in _UNCOOLED},
}
"""Row → what in its way is different. Patterns, of which each is of a row, and changes something."""
