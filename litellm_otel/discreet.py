"""Keeps a web framework's instrumentation from writing exceptions into server spans word for word.

What escapes from the proxy's routes may quote a key, a header or a prompt; so may those exceptions that
came before it, which its stack trace would tell too. Its own type and place do not.
"""

from __future__ import annotations

import traceback
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Status, StatusCode

from litellm_otel.quotes import recent
from litellm_otel.redaction import redact, safe_message

if TYPE_CHECKING:
    from opentelemetry.trace import Span


def keep(span: Span) -> None:
    """Have the span take exceptions in without what they say in confidence."""
    # For each request: a class of its own costs a tenth of methods of its own.
    span.__class__ = _discreet(type(span))


class _Discreet:
    """What is different in a discreet span."""

    _litellm_otel_recorded: tuple[int, ...] = ()

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        if id(exception) in self._litellm_otel_recorded:
            return  # on its way out it passes several layers that record it
        self._litellm_otel_recorded = (*self._litellm_otel_recorded, id(exception))
        kind = type(exception)
        name = kind.__qualname__
        where = redact("".join(traceback.format_tb(exception.__traceback__)))
        about: dict[str, Any] = {
            "exception.type": name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}",
            "exception.message": _shown(str(exception)),
            "exception.stacktrace": f"Traceback (most recent call last):\n{where}{name}",
            "exception.escaped": str(escaped),
        }
        span: Any = self
        span.add_event("exception", {**about, **(attributes or {})}, timestamp)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        given = status if isinstance(status, Status) else Status(status, description)
        if given.description:
            given = Status(given.status_code, _shown(given.description))
        parent: Any = super()
        parent.set_status(given)


@lru_cache
def _discreet(kind: type[Span]) -> type[Span]:
    return type(kind.__name__, (_Discreet, kind), {})


def _shown(text: str) -> str:
    return safe_message(recent.taken_out(text))
