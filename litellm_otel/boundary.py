"""The boundary between telemetry and the call: nothing of ours raises into LiteLLM."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_logger = logging.getLogger("litellm_otel")
_reported: set[str] = set()


def guarded(function: Callable[P, T]) -> Callable[P, T | None]:
    """``None`` instead of an exception, and one log line the first time a function breaks."""

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception:
            report(function.__qualname__)
            return None

    return inner


def report(where: str) -> None:
    """Say once that a piece of telemetry broke, with the stack; the call goes on without it."""
    if where not in _reported:
        _reported.add(where)
        _logger.warning(
            "%s failed; the call is not affected, its telemetry may be incomplete. "
            "Said once; please report it",
            where,
            exc_info=True,
        )
