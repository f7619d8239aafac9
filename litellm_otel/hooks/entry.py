"""One use of an entry point of LiteLLM, from its call to its return: what both layers around it share."""

from __future__ import annotations

import contextvars
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Generator

    from litellm_otel.model import Attempt, Call
    from litellm_otel.reading.entry_point import EntryPoint

current: contextvars.ContextVar[Entry | None] = contextvars.ContextVar(
    "litellm_otel_entry", default=None
)
"""The innermost use under way in this context."""


class Entry:
    """One use of an entry point, while it runs."""

    __slots__ = (
        "about",
        "attempt",
        "call",
        "call_id",
        "call_token",
        "done",
        "ending",
        "in_tool_loop",
        "logging_obj",
        "owner",
        "scope",
        "spreads",
        "start_clock",
        "start_ns",
        "token",
    )

    def __init__(self, about: EntryPoint, call: Call, owner: bool) -> None:
        self.about = about
        self.call = call
        self.start_ns, self.start_clock = time.time_ns(), time.perf_counter_ns()
        self.owner = owner
        """True where the call was started for this use, and ends with it."""
        self.call_id: str | None = None
        self.logging_obj: Any = None
        """LiteLLM's ``Logging`` of this use."""
        self.attempt: Attempt | None = None
        self.done = False
        self.ending = Outcome.COMPLETED
        """How it ends if nothing more can be read of it."""
        self.in_tool_loop = False
        """True for each time that LiteLLM asks the model in a call whose tools it calls itself."""
        self.spreads = False
        """True where it is made of uses of entry points itself, each with attempts of the same call."""
        self.scope: object = None
        self.token: contextvars.Token[Entry | None] | None = None
        self.call_token: contextvars.Token[Call | None] | None = None


@contextmanager
def resumed(entry: Entry) -> Generator[None]:
    """What LiteLLM does for a stream while it is read is done in the same use, which has returned."""
    again = _take_up(entry)
    try:
        yield
    finally:
        _put_down(again)


@guarded
def _take_up(entry: Entry) -> Entry:
    again = Entry(entry.about, entry.call, owner=False)
    again.attempt, again.call_id = entry.attempt, entry.call_id
    again.token = current.set(again)
    return again


@guarded
def _put_down(again: Entry | None) -> None:
    if again is not None and again.token is not None:
        again.done = True
        current.reset(again.token)
