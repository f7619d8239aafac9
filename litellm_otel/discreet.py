"""Keeps a web framework's instrumentation from writing exceptions into server spans word for word.

What escapes from the proxy's routes may quote a key, a header or a prompt; so may those exceptions that
came before it, which its stack trace would tell too. Its own type and place do not.
"""

from __future__ import annotations

import traceback
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.trace import Status, StatusCode

from litellm_otel.boundary import guarded
from litellm_otel.quotes import recent
from litellm_otel.redaction import redact, safe_message

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_RECORDED = "_litellm_otel_recorded"


@guarded
def keep(span: Span) -> None:
    """Have the span take exceptions in without what they say in confidence."""
    # For each request: a class of its own costs a tenth of methods of its own.
    span.__class__ = _discreet(type(span))


@lru_cache
def _discreet(kind: type[Span]) -> type[Span]:
    """A class of spans that is like this one, and discreet."""

    def set_status(span: Any, status: Status | StatusCode, description: str | None = None) -> None:
        given = status if isinstance(status, Status) else Status(status, description)
        if given.description:
            given = Status(given.status_code, _shown(given.description))
        kind.set_status(span, given)

    methods = {"record_exception": _record_exception, "set_status": set_status}
    return cast("type[Span]", type(kind.__name__, (kind,), methods))


def _record_exception(
    span: Any,
    exception: BaseException,
    attributes: Any = None,
    timestamp: int | None = None,
    escaped: bool = False,
) -> None:
    recorded: tuple[int, ...] = getattr(span, _RECORDED, ())
    if id(exception) in recorded:
        return  # on its way out it passes several layers that record it
    setattr(span, _RECORDED, (*recorded, id(exception)))
    kind = type(exception)
    name = kind.__qualname__
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    where = redact("".join(traceback.format_tb(exception.__traceback__)))
    about: dict[str, Any] = {
        "exception.type": module + name,
        "exception.message": _shown(str(exception)),
        "exception.stacktrace": f"Traceback (most recent call last):\n{where}{name}",
        "exception.escaped": str(escaped),
    }
    span.add_event("exception", {**about, **(attributes or {})}, timestamp)


def _shown(text: str) -> str:
    return safe_message(recent.taken_out(text))
