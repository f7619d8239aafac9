"""The ways in which a request to any of the proxy's routes can end, and what each is to leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.component.matrix.site import COOLS, FALLS, NOBODY

WHOLE, STREAMED = (False,), (True,)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a span's record ended: its outcome, and ``error.type`` with ``litellm.error.kind``."""

    outcome: str = "completed"
    error: str = ""
    kind: str = "CLIENT"
    reason: str = ""
    """Of an attempt that is not the first: why it was made."""


GOOD = Ending()
GONE = Ending("client_disconnected")
CANCELLED = Ending("cancelled")
ABANDONED = Ending("abandoned")


@dataclass(frozen=True, slots=True)
class Way:
    """One way, with what it leaves behind where a route's is not said to differ."""

    name: str
    status: int = 200
    """What the client is answered; 0 where it does not wait for it."""
    request: Ending = GOOD
    attempts: tuple[Ending, ...] = (GOOD,)
    call: Ending | None = None
    """Of the Router's call, where that is not how the last attempt ended."""
    streams: tuple[bool, ...] = (False, True)
    needs: str = ""
    """"group", "router", "cache", "key" or "licence": what a route must have for it, or lack."""
    key: str = "ada"
    meets: str = ""
    """How the provider meets it."""
    group: str = ""
    """What the model group's name ends in."""
    first: str | None = None
    """How the provider meets a request like it that is made before."""
    at_once: bool = False
    """Whether that is made just before: LiteLLM remembers only so many keys."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    leaves: bool = False
    at: str = ""
    """"the door" where the proxy does not even look at what is asked for."""
    label: str | None = None
    """The model it is counted with, where that is not as the route has it."""
    accepted: bool = True
    """Whether the provider begins an answer: only then is a model that no one serves by that name one."""
    cools: bool = False
    """Whether the deployment cools down for it."""
    attempt: str = ""
    """The name of the last attempt's span, where it is not the route's."""
    answers_error: str = ""
    """The server span's, where the web framework has the last word."""
    broken: bool = False
    """Whether the client finds its answer cut off."""


SERVER_ERROR = Ending("error", "InternalServerError/server")
RATE_LIMITED = Ending("error", "RateLimitError/rate_limit")
REFUSED = Ending("rejected", "BadRequestError/bad_request")
BAD_KEY = Ending("error", "AuthenticationError/auth")
TIMEOUT = Ending("error", "Timeout/timeout")
DISCONNECTED = Ending("error", "APIConnectionError/connection")
BLOCKED = Ending("rejected", "HTTPException/guardrail")
NO_DEPLOYMENT = Ending("error", "RouterRateLimitError/no_deployment")
FALLBACK = Ending(reason="fallback after InternalServerError")
_SOON = {"x-litellm-timeout": "0.2", "x-litellm-stream-timeout": "0.2"}


def _failed(name: str, status: int, ending: Ending, meets: str, **more: Any) -> Way:
    """All of it ends as its one attempt does."""
    accepted = more.pop("accepted", False)
    return Way(name, status, ending, (ending,), meets=meets, accepted=accepted, **more)


WAYS: tuple[Way, ...] = (
    Way("answered"),
    # The provider.
    _failed("server error", 500, SERVER_ERROR, "server-error"),
    _failed("rate limit", 429, RATE_LIMITED, "rate-limit"),
    _failed("bad request", 400, REFUSED, "bad-request"),
    _failed("bad key", 401, BAD_KEY, "bad-key"),
    _failed("connection lost", 500, DISCONNECTED, "hang-up"),
    _failed("no connection", 500, DISCONNECTED, "", needs="group", group=NOBODY),
    _failed("timeout", 408, TIMEOUT, "late", headers=_SOON),
    _failed(
        "cut before the first chunk",
        500,
        DISCONNECTED,
        "broken-stream-0ms-after-0",
        streams=STREAMED,
    ),
    _failed(
        "cut in mid-stream",
        200,
        DISCONNECTED,
        "broken-stream-600ms-after-4",
        streams=STREAMED,
        accepted=True,
    ),
    # Who asks.
    Way("client gone", 0, GONE, streams=WHOLE, meets="slow-5000ms", leaves=True),
    Way("client gone", 0, GONE, (GONE,), streams=STREAMED, meets="slow-1500ms", leaves=True),
    # The proxy.
    Way(
        "no such key",
        401,
        Ending("rejected", "HTTPException/auth"),
        (),
        key="nobody",
        needs="key",
        at="the door",
    ),
    Way("no licence", 500, Ending("error", "ValueError/other"), (), needs="licence"),
    Way(
        "budget spent",
        422,
        Ending("rejected", "BudgetExceededError/budget"),
        (),
        key="spent",
        at="the door",
    ),
    Way(
        "over the key's limit",
        429,
        Ending("rejected", "ProxyRateLimitError/rate_limit"),
        (),
        key="once",
        first="ok",
        at_once=True,
    ),
    Way("guardrail before", 400, BLOCKED, (), key="before"),
    Way("guardrail during", 400, BLOCKED, (CANCELLED,), key="during", meets="late"),
    Way("guardrail after", 400, BLOCKED, (GOOD,), streams=WHOLE, key="after"),
    Way(
        "guardrail after",
        200,
        BLOCKED,
        (ABANDONED,),
        streams=STREAMED,
        key="after",
        meets="slow-300ms",
        broken=True,
    ),
    # The Router.
    Way(
        "fallback",
        attempts=(SERVER_ERROR, FALLBACK),
        needs="router",
        meets="server-error-first-1",
        group=FALLS,
    ),
    _failed("cooldown", 401, BAD_KEY, "bad-key", needs="router", group=COOLS, cools=True),
    Way(
        "no deployment left",
        429,
        NO_DEPLOYMENT,
        (),
        call=NO_DEPLOYMENT,
        needs="router",
        group=COOLS,
        first="bad-key",
    ),
    Way(
        "cache hit",
        attempts=(Ending(kind="INTERNAL"),),
        needs="cache",
        first="ok",
        more={"cache": {"use-cache": True}},
    ),
)
