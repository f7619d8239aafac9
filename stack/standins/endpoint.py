"""What the provider stand-in's APIs have in common: endpoints, requests as they were asked, replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

DEFAULT_LENGTH = 8
"""Words, and so tokens, of an answer whose length was not asked for."""


@dataclass(frozen=True)
class Invalid:
    """What is wrong with a request."""

    message: str
    param: str | None = None
    status: int = 400
    type: str = "invalid_request_error"
    code: str | None = None


class Upload(NamedTuple):
    """A file in a form."""

    name: str
    content: bytes
    content_type: str


@dataclass(frozen=True)
class Asked:
    """One request: its JSON body or form, and what is in its path."""

    endpoint: Endpoint
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict[str, Sequence[Upload]])
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    number: int = 0
    """Counts the provider's calls, for ids."""

    @property
    def model(self) -> str:
        return str(self.fields.get("model") or self.ids.get("model") or "")

    @property
    def streamed(self) -> bool:
        return self.endpoint.always_streams or bool(self.fields.get("stream"))

    @property
    def content(self) -> str:
        """What the user wrote, as JSON."""
        return json.dumps(self.fields.get(self.endpoint.content), ensure_ascii=False)

    @property
    def words_asked(self) -> int:
        return tokens_of(self.content)


class Json(NamedTuple):
    body: Any
    tokens: int = 0


class Binary(NamedTuple):
    content: bytes
    content_type: str


class Events(NamedTuple):
    """A stream, chunk by chunk."""

    chunks: Iterator[bytes]
    content_type: str = "text/event-stream"
    tokens: int = 0


Reply: TypeAlias = Json | Binary | Events


class Problem(NamedTuple):
    """A refusal, before it takes the shape an API gives it."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None


@dataclass(frozen=True)
class Api:
    """One provider's way to ask for a key, to word errors, and the headers of its answers."""

    keys: Callable[[Mapping[str, str]], str]
    """The headers → the key; "" where there is none in the right one."""
    key_header: str
    error: Callable[[Problem], Any]
    headers: Callable[[int], Mapping[str, str]] = lambda _: {}
    key_parameter: str = ""
    """The query's parameter that may hold the key instead."""
    needs: Callable[[Mapping[str, str]], Invalid | None] = lambda _: None
    """What the headers lack besides a key."""


@dataclass(frozen=True)
class Endpoint:
    """One path of an API: what it accepts, and how it is answered."""

    api: Api
    method: Literal["GET", "POST", "DELETE"]
    path: str
    answer: Callable[[Asked], Reply]
    accepts: Literal["json", "form", ""] = "json"
    required: tuple[str, ...] = ()
    """Fields, or files of a form."""
    content: str = ""
    """The field that holds what the user wrote."""
    check: Callable[[Asked], Invalid | None] = lambda _: None
    streams: bool = False
    always_streams: bool = False

    def invalid(self, asked: Asked) -> Invalid | None:
        for name in self.required:
            if not asked.fields.get(name) and not asked.files.get(name):
                if name == "model":
                    return Invalid("you must provide a model parameter", "model")
                if asked.fields.get(name) is None:
                    return Invalid(f"Missing required parameter: '{name}'.", name)
        if asked.fields.get("stream") and not self.streams:
            return Invalid("Unrecognized request argument supplied: stream", "stream")
        return self.check(asked)


def bearer(headers: Mapping[str, str]) -> str:
    """The key of ``Authorization: Bearer``."""
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme == "Bearer" else ""


def header(name: str) -> Callable[[Mapping[str, str]], str]:
    """The key of a header of the provider's own."""
    return lambda headers: headers.get(name, "")


def tokens_of(text: str) -> int:
    """Tokens are words here."""
    return max(1, len(text.split()))


def words(length: int) -> list[str]:
    """The text of every answer."""
    return [f"word{index} " for index in range(length)]


def event(body: Any, kind: str | None = None) -> bytes:
    """A server-sent event."""
    named = f"event: {kind}\n".encode() if kind else b""
    return named + b"data: " + json.dumps(body).encode() + b"\n\n"
