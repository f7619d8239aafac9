"""The ways in which any entry point's call can end badly or be given up, as the matrix asks for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.component.calls.case import BOTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.component.calls.case import Twin

ERROR = ("error", "error")
REFUSED = ("rejected", "rejected")
CANCELLED = ("cancelled", "cancelled")
ABANDONED = ("abandoned", "cancelled")
"""``litellm.outcome``, and the status that the request is counted with."""

NOBODY = "nobody listens"


@dataclass(frozen=True, slots=True)
class Way:
    """One way for a call, whole or streamed, to end."""

    name: str
    behaviour: str
    """The stand-in's, or `NOBODY`."""
    ending: tuple[str, str] = ERROR
    kinds: frozenset[str] = frozenset()
    """What ``litellm.error.kind`` may be: where connections break, HTTP clients word it differently."""
    stream: bool = False
    twins: tuple[Twin, ...] = BOTH
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    brief: bool = False
    """Whether it is asked for of what only looks after stored things too."""
    chunks: int | None = None
    """So many are read; None is all."""


ASYNC: tuple[Twin, ...] = ("async",)
"""Where only a task can end so."""
_BROKEN = frozenset({"connection", "server"})

WAYS: tuple[Way, ...] = (
    Way(
        "server error",
        "server-error",
        kinds=frozenset({"server"}),
        brief=True,
    ),
    Way("rate limit", "rate-limit", kinds=frozenset({"rate_limit"})),
    Way("bad request", "bad-request", REFUSED, frozenset({"bad_request"})),
    Way("bad key", "bad-key", kinds=frozenset({"auth"})),
    Way("no connection", NOBODY, kinds=_BROKEN),
    Way("timeout", "slow-9000ms", kinds=frozenset({"timeout"}), options={"timeout": 0.3}),
    Way("task cancelled", "slow-9000ms", CANCELLED, twins=ASYNC),
    Way(
        "error before the stream",
        "server-error",
        kinds=frozenset({"server"}),
        stream=True,
    ),
    Way("cut before the first chunk", "broken-stream-0ms-after-0", kinds=_BROKEN, stream=True),
    Way(
        "cut in mid-stream",
        "broken-stream-after-4",
        kinds=_BROKEN,
        stream=True,
    ),
    # What is read of it late, as on a busy machine, is no more of it.
    Way("closed early", "slow-9000ms-after-4", CANCELLED, stream=True, chunks=1),
    Way("half read and dropped", "slow-9000ms-after-4", ABANDONED, stream=True, chunks=1),
    Way("never read", "slow-9000ms-after-4", ABANDONED, stream=True, chunks=0),
    Way("task cancelled while reading", "slow-9000ms-after-4", CANCELLED, stream=True, twins=ASYNC),
)
