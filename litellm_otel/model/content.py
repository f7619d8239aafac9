"""What a call said and was told, as plain records: only ever filled where content is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias


@dataclass(slots=True)
class Text:
    """Text written or read."""

    content: str


@dataclass(slots=True)
class Reasoning:
    """What the model thought, as far as the provider shows it."""

    content: str


@dataclass(slots=True)
class ToolCall:
    """A tool that the model wants called."""

    name: str
    id: str | None = None
    arguments: Any = None
    """Parsed where it is JSON, else as the model wrote it."""


@dataclass(slots=True)
class ToolCallResponse:
    """What a tool answered."""

    response: Any
    id: str | None = None


@dataclass(slots=True)
class ServerToolCall:
    """A tool that the provider calls itself: a web search, its code interpreter."""

    name: str
    call: dict[str, Any]
    id: str | None = None


@dataclass(slots=True)
class ServerToolCallResponse:
    """What such a tool answered."""

    response: dict[str, Any]
    id: str | None = None


@dataclass(slots=True)
class Blob:
    """Data sent along: an image, a recording, a document."""

    modality: str
    mime_type: str | None = None
    size: int | None = None
    """Bytes, where they can be told without reading them."""
    data: str | None = None
    """Base64, only where data is asked for."""
    transcript: str | None = None


@dataclass(slots=True)
class Uri:
    """Data that is pointed at."""

    modality: str
    uri: str
    mime_type: str | None = None


@dataclass(slots=True)
class File:
    """Data that the provider has already."""

    modality: str
    file_id: str
    mime_type: str | None = None


@dataclass(slots=True)
class Compaction:
    """The provider has replaced earlier messages by a summary of them."""

    id: str | None = None
    content: str | None = None


@dataclass(slots=True)
class Other:
    """A part of a kind that is not known; nothing of it is kept but its kind."""

    type: str


Part: TypeAlias = (
    Text
    | Reasoning
    | ToolCall
    | ToolCallResponse
    | ServerToolCall
    | ServerToolCallResponse
    | Blob
    | Uri
    | File
    | Compaction
    | Other
)


@dataclass(slots=True)
class Message:
    """One message of a conversation."""

    role: str
    parts: list[Part] = field(default_factory=list["Part"])
    name: str | None = None
    finish_reason: str | None = None
    """Of an answer: stop, length, content_filter, tool_call, error, or the provider's own word."""


@dataclass(slots=True)
class Tool:
    """A tool that the model may call."""

    type: str
    name: str
    description: str | None = None
    parameters: Any = None


@dataclass(slots=True)
class Document:
    """What a search found."""

    id: str | None = None
    score: float | None = None
    content: str | None = None


@dataclass(slots=True)
class Content:
    """The content of one attempt."""

    system: list[Part] = field(default_factory=list["Part"])
    """Instructions given apart from the messages."""
    input: list[Message] = field(default_factory=list["Message"])
    output: list[Message] = field(default_factory=list["Message"])
    """One for each choice."""
    tools: list[Tool] = field(default_factory=list["Tool"])
    query: str | None = None
    """What was searched for."""
    documents: list[Document] = field(default_factory=list["Document"])
    arguments: Any = None
    """What a tool was called with, where the call is a tool's."""
    result: Any = None
    """What that tool answered."""
    left_out: int = 0
    """Messages of a long session that were not kept."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What the call was let in with: not content, but to be taken out of what quotes it."""
    withheld: str = ""
    """Why nothing, or no output, is kept although content is asked for; one of `Withheld`."""


class Conversation(Protocol):
    """A session's content while it goes on."""

    def heard(self, frame: str) -> None:
        """One message of either side."""
        ...

    def put_into(self, content: Content) -> None:
        """All of it so far."""
        ...


class Withheld:
    """Why content is not recorded although it is asked for."""

    REDACTION = "message_logging_off"
    """LiteLLM is told not to log messages: by setting, key, header or request."""
    NO_LOG = "no_log"
    """The request says ``no-log``."""
    LOG_MASKING = "log_masking"
    """A guardrail or callback masks what LiteLLM logs, and only that."""
    OUTPUT_GUARDRAIL = "output_guardrail"
    """A guardrail may change the answer after it was read; the request's own messages are kept."""
    INPUT_GUARDRAIL = "input_guardrail"
    """A guardrail that runs later than messages are read, right before they are sent, may mask them."""
