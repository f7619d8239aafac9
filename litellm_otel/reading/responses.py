"""A whole response → what is kept of it, whichever API it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from litellm_otel.model import Response
from litellm_otel.reading.shapes import field_of, text_of

_OF_STATUS: Final = {"completed": "stop", "failed": "error", "cancelled": "error"}
_OF_INCOMPLETE: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def hidden_params_of(result: object) -> Mapping[str, Any]:
    """LiteLLM's own annotations of a response; empty where it has none."""
    hidden = field_of(result, "_hidden_params")
    if isinstance(hidden, dict):
        return cast("Mapping[str, Any]", hidden)
    dump = getattr(hidden, "model_dump", None)
    return cast("Mapping[str, Any]", dump()) if callable(dump) else {}


def response_of(result: object) -> Response:
    """Id, model, status and finish reasons of a whole response."""
    return Response(
        id=text_of(field_of(result, "id")) or text_of(field_of(result, "responseId")),
        model=text_of(field_of(result, "model")) or text_of(field_of(result, "modelVersion")),
        finish_reasons=finish_reasons_of(result),
        status=_status_of(result),
        service_tier=text_of(field_of(result, "service_tier")),
        system_fingerprint=text_of(field_of(result, "system_fingerprint")),
    )


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
