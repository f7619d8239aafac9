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
    routed: bool = False
    """Whether it is asked for through a Router too."""
    brief: bool = False
    """Whether it is asked for of what only looks after stored things too."""
    chunks: int | None = None
    """So many are read; None is all."""


ASYNC: tuple[Twin, ...] = ("async",)
"""Where what is read is the same for both."""
_BROKEN = frozenset({"connection", "server"})

WAYS: tuple[Way, ...] = (
    Way(
        "server error",
        "server-error",
        kinds=frozenset({"server"}),
        routed=True,
        brief=True,
    ),
    Way("rate limit", "rate-limit", kinds=frozenset({"rate_limit"}), twins=ASYNC),
    Way("bad request", "bad-request", REFUSED, frozenset({"bad_request"}), twins=ASYNC),
    Way("bad key", "bad-key", kinds=frozenset({"auth"}), twins=ASYNC),
    Way("no connection", NOBODY, kinds=_BROKEN),
    Way("timeout", "slow-3000ms", kinds=frozenset({"timeout"}), options={"timeout": 0.3}),
    Way("task cancelled", "slow-3000ms", CANCELLED, twins=ASYNC),
    Way(
        "error before the stream",
        "server-error",
        kinds=frozenset({"server"}),
        stream=True,
        routed=True,
    ),
    Way("cut before the first chunk", "broken-stream-0ms-after-0", kinds=_BROKEN, stream=True),
    Way(
        "cut in mid-stream",
        "broken-stream-after-4",
        kinds=_BROKEN,
        stream=True,
        routed=True,
    ),
    Way("closed early", "slow-50ms", CANCELLED, stream=True, routed=True, chunks=1),
    Way("half read and dropped", "slow-50ms", ABANDONED, stream=True, chunks=1),
    Way("never read", "slow-50ms", ABANDONED, stream=True, chunks=0),
    Way("task cancelled while reading", "slow-300ms", CANCELLED, stream=True, twins=ASYNC),
)
