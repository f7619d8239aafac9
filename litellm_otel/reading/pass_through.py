"""What a passed-through request is, from its URL and its body: both are the provider's own, not LiteLLM's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from litellm_otel.reading.providers import server

PASS_THROUGH: Final = "pass_through"
"""The operation of a request that no convention has a name for."""

_OPERATIONS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), operation)
    for pattern, operation in (
        (r"/chat/completions$|/v\d+/chat$|/converse(-stream)?$", "chat"),
        (r"/messages$|/invoke(-with-response-stream)?$|:(stream)?[rR]awPredict$", "chat"),
        (r"/responses$", "chat"),
        (r"/completions$", "text_completion"),
        (r"/embed(dings)?$|:(batch)?[eE]mbedContents?$", "embeddings"),
        (r":(stream)?[gG]enerateContent$", "generate_content"),
        (r"/rerank$", "rerank"),
        (r"/moderations$", "moderation"),
        (r"/images/generations$", "image_generation"),
        (r"/images/(edits|variations)$", "image_edit"),
        (r"/audio/(transcriptions|translations)$", "transcription"),
        (r"/audio/speech$", "speech"),
    )
)
_MODEL_IN_PATH: Final = re.compile(r"/(?:models|model|deployments)/([^/:]+(?::\d+)?)(?:[/:]|$)")
_CONTENTS: Final = ("messages", "prompt", "input", "contents", "system", "instructions", "query")
_STATUS_NAMES: Final = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    408: "Timeout",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "BadGatewayError",
    503: "ServiceUnavailableError",
}


class Asked(NamedTuple):
    """What a request asks for."""

    operation: str
    model: str
    server_address: str | None
    server_port: int | None
    contents: Mapping[str, Any]
    """The body's fields that the user wrote."""


def asked(url: str, body: object) -> Asked:
    """What a request to this URL with this body asks for. Of the URL's query nothing is read."""
    path = urlsplit(url).path
    operation = next(
        (operation for pattern, operation in _OPERATIONS if pattern.search(path)), PASS_THROUGH
    )
    given = cast("Mapping[str, Any]", body) if isinstance(body, Mapping) else {}
    model = given.get("model")
    if not isinstance(model, str):
        in_path = _MODEL_IN_PATH.search(path)
        model = unquote(in_path[1]) if in_path else ""
    address, port = server(url)
    contents = {name: given[name] for name in _CONTENTS if name in given}
    return Asked(operation, model, address, port, contents)


def status_name(status: int) -> str:
    """The class of exception that LiteLLM has for an HTTP status; the status where it has none."""
    return _STATUS_NAMES.get(status, str(status))


def provider_name(provider: object) -> str:
    """LiteLLM's name of a provider, which some routes give as an enumeration's member."""
    name = getattr(provider, "value", provider)
    return name if isinstance(name, str) else ""
