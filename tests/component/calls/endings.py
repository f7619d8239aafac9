"""Every way a call can end, and through what: the list that the tests' rows are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SDK: Final = "sdk"
ROUTER: Final = "router"
PROXY: Final = "proxy"
WHOLE: Final = False
STREAMED: Final = True
ASYNC: Final = "async"
SYNC: Final = "sync"

Cell = tuple[str, str, str, bool]
"""An ending, a surface, a twin ("" in the proxy), and whether it is of a stream."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One way, and where it can happen."""

    name: str
    surfaces: tuple[str, ...] = (SDK, ROUTER, PROXY)
    streams: tuple[bool, ...] = (WHOLE, STREAMED)
    twins: tuple[str, ...] = (ASYNC, SYNC)

    def cells(self) -> set[Cell]:
        return {
            (self.name, surface, twin, stream)
            for surface in self.surfaces
            for twin in (("",) if surface == PROXY else self.twins)
            for stream in self.streams
        }


ENDINGS: Final = (
    Ending("answered"),
    # The provider.
    Ending("provider's error"),
    Ending("provider refuses the request"),
    Ending("error at the first chunk", streams=(STREAMED,)),
    Ending("error after some chunks", streams=(STREAMED,)),
    Ending("no connection", surfaces=(SDK, ROUTER)),
    Ending("connect timeout", surfaces=(SDK,)),
    Ending("timeout"),
    Ending("timeout between chunks", surfaces=(SDK, ROUTER), streams=(STREAMED,)),
    # LiteLLM and its Router.
    Ending("unknown model"),
    Ending("retried", surfaces=(SDK, ROUTER, PROXY)),
    Ending("retries used up", surfaces=(ROUTER, PROXY)),
    Ending("fallback", surfaces=(ROUTER, PROXY)),
    Ending("fallbacks used up", surfaces=(ROUTER, PROXY)),
    Ending("context window fallback", surfaces=(ROUTER, PROXY)),
    Ending("content policy fallback", surfaces=(ROUTER, PROXY)),
    Ending("fallback in mid-stream", surfaces=(ROUTER, PROXY), streams=(STREAMED,)),
    Ending("fallbacks used up in mid-stream", surfaces=(ROUTER, PROXY), streams=(STREAMED,)),
    Ending("cooldown", surfaces=(ROUTER, PROXY)),
    Ending("no deployment left", surfaces=(ROUTER, PROXY)),
    Ending("cache hit"),
    Ending("cache hit in Redis", surfaces=(SDK,), twins=(ASYNC,)),
    # Who asked.
    Ending("task cancelled", surfaces=(SDK, ROUTER), twins=(ASYNC,)),
    # Synchronous streams of most LiteLLM versions can't be closed, only dropped.
    Ending("closed early", surfaces=(SDK, ROUTER), streams=(STREAMED,), twins=(ASYNC,)),
    Ending("never read", surfaces=(SDK, ROUTER), streams=(STREAMED,)),
    Ending("collected half-way", surfaces=(SDK, ROUTER), streams=(STREAMED,)),
    Ending("client gone before the answer", surfaces=(PROXY,)),
    Ending("client gone in mid-stream", surfaces=(PROXY,), streams=(STREAMED,)),
    Ending("callbacks that raise"),
    Ending("interpreter exit", surfaces=(SDK,)),
    # The proxy.
    Ending("guardrail before the call", surfaces=(PROXY,)),
    Ending("guardrail during the call", surfaces=(PROXY,)),
    Ending("guardrail after the call", surfaces=(PROXY,)),
    Ending("no such key", surfaces=(PROXY,), streams=(WHOLE,)),
    Ending("authentication that raises", surfaces=(PROXY,), streams=(WHOLE,)),
    Ending("hook that raises", surfaces=(PROXY,)),
    Ending("budget spent", surfaces=(PROXY,)),
    Ending("rate limit", surfaces=(PROXY,)),
    Ending("too many at once", surfaces=(PROXY,), streams=(WHOLE,)),
    Ending("model not allowed", surfaces=(PROXY,), streams=(WHOLE,)),
    Ending("malformed body", surfaces=(PROXY,), streams=(WHOLE,)),
    Ending("incomplete body", surfaces=(PROXY,), streams=(WHOLE,)),
)
