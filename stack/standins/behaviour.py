"""How the provider stand-in behaves towards a request, chosen by name.

A model name is ``<model>`` (answers) or ``<model>@<behaviour>``. A behaviour is one of the names
in ``KINDS``, with options after it: ``server-error``, ``rate-limit-first-1`` (only the first
request of each key misbehaves, a key being a model and a prompt), ``slow-250ms`` (time between
the chunks of a stream, and before a whole answer), ``slow-9000ms-after-4`` (between the chunks after the
first four, and nowhere else), ``broken-stream-after-3`` (chunks), ``server-error-after-3`` (the error comes
as an event in the stream).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

_OPTIONS = re.compile(
    r"(?P<kind>.+?)(?:-(?P<delay>\d+)ms)?(?:-after-(?P<after>\d+))?(?:-first-(?P<first>\d+))?"
)


@dataclass(frozen=True)
class Error:
    """An error as OpenAI's API words it. ``{key}`` and ``{prompt}`` stand for the request's."""

    status: int
    message: str
    type: str
    code: str | None
    retry_after: int | None = None


@dataclass(frozen=True)
class Behaviour:
    name: str
    error: Error | None = None
    delay: float = 0.0  # before the answer, seconds
    chunk_delay: float = 0.0  # before each chunk of a stream, seconds
    slow_after: int = 0  # chunks that come without delay
    break_after: int | None = None  # chunks after which the connection is cut
    first: int | None = None  # misbehaves only so many times for each key
    hangs_up: bool = False  # cuts the connection instead of answering


_ERRORS = {
    "server-error": Error(
        500,
        "The server had an error while processing your request. Sorry about that!",
        "server_error",
        None,
    ),
    "unavailable": Error(
        503, "The engine is currently overloaded, please try again later", "server_error", None
    ),
    "rate-limit": Error(
        429,
        "Rate limit reached for requests per min (RPM): Limit 500, Used 500, Requested 1. "
        "Please try again in 1s.",
        "requests",
        "rate_limit_exceeded",
        retry_after=1,
    ),
    "quota": Error(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "bad-key": Error(
        401,
        "Incorrect API key provided. You can find your API key in your account's settings.",
        "invalid_request_error",
        "invalid_api_key",
    ),
    "bad-request": Error(
        400, "Invalid value for 'messages'.", "invalid_request_error", "invalid_value"
    ),
    "context-window": Error(
        400,
        "This model's maximum context length is 128000 tokens. However, your messages resulted in "
        "150000 tokens. Please reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
    ),
    "content-policy": Error(
        400,
        "Your request was rejected as a result of our safety system. Your prompt may contain text "
        "that is not allowed by our safety system.",
        "invalid_request_error",
        "content_policy_violation",
    ),
    # An upstream that repeats the caller's key and prompt in its message, as some gateways do.
    "leaky-error": Error(
        500, "Request failed: key {key}, prompt {prompt}", "server_error", "internal_error"
    ),
}

KINDS: Mapping[str, Behaviour] = {
    "ok": Behaviour("ok"),
    "slow": Behaviour("slow", chunk_delay=0.2, delay=0.2),
    "timeout": Behaviour("timeout", delay=30.0),
    "late": Behaviour("late", delay=3.0),
    "broken-stream": Behaviour("broken-stream", break_after=2, chunk_delay=0.05),
    "hang-up": Behaviour("hang-up", hangs_up=True),
    **{name: Behaviour(name, error=error) for name, error in _ERRORS.items()},
}


def behaviour_of(model: str) -> Behaviour:
    """The behaviour that a model name asks for."""
    return named(model.partition("@")[2] or "ok")


def named(text: str) -> Behaviour:
    """Parses a behaviour with its options; ``KeyError`` names what is not known."""
    if text in KINDS:
        return KINDS[text]
    match = _OPTIONS.fullmatch(text)
    if match is None or match["kind"] not in KINDS:
        raise KeyError(f"unknown behaviour {text!r}; known: {', '.join(sorted(KINDS))}")
    behaviour = replace(KINDS[match["kind"]], name=text)
    if match["delay"]:
        seconds = int(match["delay"]) / 1000
        behaviour = replace(behaviour, delay=seconds, chunk_delay=seconds)
    if match["after"] and match["kind"] == "slow":
        behaviour = replace(behaviour, slow_after=int(match["after"]), delay=0.0)
    elif match["after"]:
        behaviour = replace(behaviour, break_after=int(match["after"]))
    if match["first"]:
        behaviour = replace(behaviour, first=int(match["first"]))
    return behaviour
