"""A run of the Assistants API → response, and how it ended."""

from __future__ import annotations

from typing import Final

from litellm_otel.model import ErrorKind, Failure, Response
from litellm_otel.reading.shapes import field_of, text_of

_OVER: Final = frozenset(
    {"completed", "failed", "cancelled", "expired", "incomplete", "requires_action"}
)
_KINDS: Final = {"rate_limit_exceeded": ErrorKind.RATE_LIMIT, "server_error": ErrorKind.SERVER}


def run_is_over(run: object) -> bool:
    """Whether the provider has nothing more to say in it."""
    return field_of(run, "status") in _OVER


def response_of_run(run: object) -> Response:
    status = text_of(field_of(run, "status"))
    return Response(
        id=text_of(field_of(run, "id")), model=text_of(field_of(run, "model")), status=status
    )


def failure_of_run(run: object) -> Failure | None:
    """Why it failed; ``None`` if it did not."""
    if field_of(run, "status") != "failed":
        return None
    code = text_of(field_of(field_of(run, "last_error"), "code")) or "failed"
    return Failure(type=code, kind=_KINDS.get(code, ErrorKind.OTHER))
