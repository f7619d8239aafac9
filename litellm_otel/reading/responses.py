"""A whole response → what is kept of it, whichever API it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from litellm_otel.model import Response
from litellm_otel.reading.providers import shown_model
from litellm_otel.reading.shapes import field_at, field_of, text_of

MAX_JSON: Final = 1_000_000
"""Bytes of an HTTP response that are parsed to see what it says."""

_OF_STATUS: Final = {"completed": "stop", "failed": "error", "cancelled": "error"}
_OF_INCOMPLETE: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def hidden_params_of(result: object) -> Mapping[str, Any]:
    """LiteLLM's own annotations of a response; empty where it has none."""
    hidden = field_of(result, "_hidden_params")
    if isinstance(hidden, dict):
        return cast("Mapping[str, Any]", hidden)
    dump = getattr(hidden, "model_dump", None)
    return cast("Mapping[str, Any]", dump()) if callable(dump) else {}


def whole_of(result: object) -> object:
    """What a response says: itself, or the JSON of an HTTP response that has been read."""
    headers = getattr(result, "headers", None)
    if headers is None or not getattr(result, "is_stream_consumed", False):
        return result
    if not str(headers.get("content-type", "")).startswith("application/json"):
        return result
    content: bytes = cast("Any", result).content
    try:
        return json.loads(content) if len(content) <= MAX_JSON else result
    except ValueError:
        return result


def response_of(result: object) -> Response:
    """Id, model, status and finish reasons of a whole response."""
    return Response(
        id=text_of(field_of(result, "id")) or text_of(field_of(result, "responseId")),
        model=_model_of(result),
        finish_reasons=finish_reasons_of(result),
        status=_status_of(result),
        service_tier=text_of(field_of(result, "service_tier")),
        system_fingerprint=text_of(field_of(result, "system_fingerprint")),
        error=error_of(result),
    )


def error_of(result: object) -> object:
    """What a response, or an event of a stream, says went wrong: Anthropic's, Google's, the Responses API's."""
    if field_of(result, "type") == "error":
        return field_of(result, "error") or result
    error = field_of(result, "error")
    return None if error is None or isinstance(error, (str, bool)) else error


def _model_of(result: object) -> str | None:
    model = text_of(field_of(result, "model")) or text_of(field_of(result, "modelVersion"))
    return shown_model(model) if model else None


def _items(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else ()


def _status_of(result: object) -> str | None:
    status = field_of(result, "status")
    return text_of(getattr(status, "value", status))


def finish_reasons_of(result: object) -> tuple[str, ...]:
    """One for each choice: chat and text completions, Anthropic, Google, the Responses API."""
    choices = _items(field_of(result, "choices"))
    if choices:
        return tuple(text_of(field_of(choice, "finish_reason")) or "error" for choice in choices)
    stopped = text_of(field_of(result, "stop_reason"))
    if stopped:
        return (stopped,)
    candidates = _items(field_of(result, "candidates"))
    if candidates:
        return tuple(_google_reason(candidate) or "error" for candidate in candidates)
    if field_of(result, "object") != "response":
        return ()
    status = _status_of(result)
    reason = text_of(field_of(field_of(result, "incomplete_details"), "reason"))
    found = _OF_INCOMPLETE.get(reason, reason) if reason else _OF_STATUS.get(status or "")
    return (found,) if found else ()


def _google_reason(candidate: object) -> str | None:
    reason = field_of(candidate, "finishReason") or field_of(candidate, "finish_reason")
    reason = text_of(getattr(reason, "value", reason))
    return reason.lower() if reason else None


def tool_of(logging_obj: object) -> tuple[str | None, str | None]:
    """The tool that was called, by its server's name for it, and that server: as LiteLLM's logging has them."""
    called = field_at(logging_obj, ("model_call_details", "mcp_tool_call_metadata"))
    return text_of(field_of(called, "name")), text_of(field_of(called, "mcp_server_name"))


def tool_failed(result: object) -> bool:
    """Whether a tool answered that it could not do what it was asked for."""
    return field_of(result, "is_error") is True or field_of(result, "isError") is True


def ingestion_failed(result: object) -> bool:
    """Whether LiteLLM answers that files could not be ingested, whatever was raised on the way."""
    return field_of(result, "status") == "failed"
