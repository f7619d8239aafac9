"""What a passed-through request is, from its URL and its body: both are the provider's own, not LiteLLM's."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from litellm_otel.reading.providers import server

PASS_THROUGH: Final = "pass_through"
"""The operation of a request that no convention has a name for."""
CONFIGURED: Final = "pass_through"
"""The provider of an endpoint that the operator made up."""

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
    given: Mapping[str, Any] = cast("Mapping[str, Any]", body) if isinstance(body, Mapping) else {}
    model: object = given.get("model")
    if not isinstance(model, str):
        in_path = _MODEL_IN_PATH.search(path)
        model = unquote(in_path[1]) if in_path else ""
    address, port = server(url)
    contents = {name: given[name] for name in _CONTENTS if name in given}
    return Asked(operation, model, address, port, contents)


def provider_of(given: object, path: str) -> str:
    """LiteLLM's name of a provider: as it is ``given``, else as the proxy's own route for it says."""
    name = getattr(given, "value", given)  # an enumeration's member
    if isinstance(name, str) and name:
        return name
    first = path.strip("/").partition("/")[0].replace("-", "_")
    litellm = sys.modules.get("litellm")
    return first if first in getattr(litellm, "provider_list", ()) else CONFIGURED
