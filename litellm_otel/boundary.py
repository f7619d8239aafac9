"""The boundary between telemetry and the call: nothing of ours raises into LiteLLM."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_logger = logging.getLogger("litellm_otel")
_PACKAGE = os.path.dirname(__file__) + os.sep
_reported: set[tuple[str, int] | str] = set()
# Re-entrant, as a garbage collection may run a finalizer of ours, which breaks, while it is held.
_lock = threading.RLock()


def guarded(function: Callable[P, T]) -> Callable[P, T | None]:
    """``None`` instead of an exception, and one log line the first time something in it breaks.

    What is no `Exception`, an interrupt from the keyboard for one, was not caused here and passes.
    """

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except Exception:
            report(getattr(function, "__qualname__", repr(function)))
            return None

    return inner


def report(where: str) -> None:
    """Say once for each line of ours that broke, with the stack; the call goes on without it."""
    # Nothing stops a program's own filters and handlers of log records from raising.
    with contextlib.suppress(Exception):
        line = _line_of_ours()
        with _lock:
            new = (line or where) not in _reported
            _reported.add(line or where)
        if new:
            _logger.warning(
                "%s failed%s; the call is not affected, its telemetry may be incomplete. "
                "Said once; please report it",
                where,
                " ({}, line {})".format(*line) if line else "",
                exc_info=True,
            )


def _line_of_ours() -> tuple[str, int] | None:
    """The innermost line of this package that the present exception came through."""
    traceback = sys.exc_info()[2]
    found = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename.startswith(_PACKAGE) and code.co_filename != __file__:
            found = (code.co_filename.removeprefix(_PACKAGE), traceback.tb_lineno)
        traceback = traceback.tb_next
    return found
