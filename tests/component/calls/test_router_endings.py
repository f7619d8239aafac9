"""Every way a Router's call can end: its span, each attempt's with number and reason, one count, one record."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.calls.endings import ASYNC, ROUTER, STREAMED, SYNC, WHOLE, Cell
from tests.component.calls.recorded import until
from tests.component.calls.shapes import Shape, check, route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

KEY = "sk-planted-0123456789abcdef"
CHAT = "chat gpt-4o"


@dataclass(frozen=True, slots=True)
class Row:
    """One ending of one kind of Router call."""

    ending: str
    twin: str
    stream: bool
    behaviour: str
    expected: tuple[Shape, ...]
    status: str = "success"
    raises: str = ""
    router: tuple[tuple[str, Any], ...] = ()
    """Options of the Router."""
    deployment: tuple[tuple[str, Any], ...] = ()
    """Options of the deployment of the first group."""
    totals: tuple[int, int] = (0, 0)
    """Retries and fallbacks."""
    surface: str = ROUTER

    @property
    def cell(self) -> Cell:
        return self.ending, self.surface, self.twin, self.stream

    @property
    def id(self) -> str:
        streamed = "-streamed" if self.stream else ""
        return f"{self.ending}-{self.behaviour}-{self.twin}{streamed}".replace(" ", "_")


def rows(
    ending: str,
    behaviour: str,
    *attempts: Shape,
    twins: tuple[str, ...] = (ASYNC, SYNC),
    streams: tuple[bool, ...] = (WHOLE, STREAMED),
    options: dict[str, Any] | None = None,
    deployment: dict[str, Any] | None = None,
    error: str | None = None,
    **more: Any,
) -> list[Row]:
    """A row for each twin, whole and streamed; the route ends as its last attempt does."""
    last = attempts[-1]
    top = route("first", outcome=last.outcome, error=error or last.error)
    made = Row(
        ending,
        ASYNC,
        WHOLE,
        behaviour,
        (top, *attempts),
        router=tuple((options or {}).items()),
        deployment=tuple((deployment or {}).items()),
        **more,
    )
    return [
        replace(made, twin=twin, stream=stream)
        for twin, stream in itertools.product(twins, streams)
    ]


def attempt(behaviour: str = "", error: str | None = None, **more: Any) -> Shape:
    outcome = "error" if error else "completed"
    model = f"gpt-4o@{behaviour}" if behaviour else "gpt-4o-mini"
    return Shape(f"chat {model}", **{"outcome": outcome, "error": error, **more})


UNAVAILABLE = "ServiceUnavailableError/server"
REFUSED = {"outcome": "rejected"}
FALLBACKS = {"fallbacks": [{"first": ["second"]}]}

SIMPLE = [
    *rows("answered", "slow-3ms", attempt("slow-3ms")),
    *rows(
        "provider's error",
        "server-error",
        attempt("server-error", "InternalServerError/server"),
        raises="InternalServerError",
        status="error",
    ),
    *rows(
        "provider's error",
        "rate-limit",
        attempt("rate-limit", "RateLimitError/rate_limit"),
        raises="RateLimitError",
        status="error",
    ),
    *rows(
        "provider's error",
        "bad-key",
        attempt("bad-key", "AuthenticationError/auth"),
        raises="AuthenticationError",
        status="error",
    ),
    *rows(
        "provider refuses the request",
        "bad-request",
        attempt("bad-request", "BadRequestError/bad_request", **REFUSED),
        raises="BadRequestError",
        status="rejected",
    ),
    *rows(
        "timeout",
        "timeout",
        attempt("timeout", "Timeout/timeout"),
        raises="Timeout",
        status="error",
        deployment={"timeout": 0.3},
    ),
    *rows(
        "retried",
        "unavailable-first-1",
        attempt("unavailable-first-1", UNAVAILABLE),
        attempt("unavailable-first-1", number=2, reason="retry after ServiceUnavailableError"),
        options={"num_retries": 2},
        totals=(1, 0),
    ),
    *rows(
        "retries used up",
        "unavailable",
        attempt("unavailable", UNAVAILABLE),
        attempt("unavailable", UNAVAILABLE, number=2, reason="retry after ServiceUnavailableError"),
        attempt("unavailable", UNAVAILABLE, number=3, reason="retry after ServiceUnavailableError"),
        raises="ServiceUnavailableError",
        status="error",
        options={"num_retries": 2},
        totals=(2, 0),
    ),
    *rows(
        "fallback",
        "unavailable",
        attempt("unavailable", UNAVAILABLE),
        attempt("unavailable", UNAVAILABLE, number=2, reason="retry after ServiceUnavailableError"),
        attempt(number=3, reason="fallback after ServiceUnavailableError"),
        options={"num_retries": 1, **FALLBACKS},
        totals=(1, 1),
    ),
    *rows(
        "fallbacks used up",
        "unavailable",
        attempt("unavailable", UNAVAILABLE),
        attempt(
            "server-error",
            "InternalServerError/server",
            number=2,
            reason="fallback after ServiceUnavailableError",
        ),
        options={"fallbacks": [{"first": ["third"]}]},
        # LiteLLM raises what the group asked for failed with.
        raises="ServiceUnavailableError",
        error=UNAVAILABLE,
        status="error",
        totals=(0, 1),
    ),
    *rows(
        "context window fallback",
        "context-window",
        attempt("context-window", "ContextWindowExceededError/bad_request", **REFUSED),
        attempt(number=2, reason="context_window_fallback after ContextWindowExceededError"),
        options={"context_window_fallbacks": [{"first": ["second"]}]},
        totals=(0, 1),
    ),
    *rows(
        "content policy fallback",
        "content-policy",
        attempt("content-policy", "ContentPolicyViolationError/bad_request", **REFUSED),
        attempt(number=2, reason="content_policy_fallback after ContentPolicyViolationError"),
        options={"content_policy_fallbacks": [{"first": ["second"]}]},
        totals=(0, 1),
    ),
]
BROKEN = [
    *rows(
        "error at the first chunk",
        "broken-stream-after-0",
        attempt("broken-stream-after-0", "?"),
        streams=(STREAMED,),
    ),
    *rows(
        "error after some chunks",
        "broken-stream-after-3",
        attempt("broken-stream-after-3", "?"),
        streams=(STREAMED,),
    ),
    *rows(
        "timeout between chunks",
        "slow-9000ms",
        attempt("slow-9000ms", "?"),
        streams=(STREAMED,),
        deployment={"stream_timeout": 0.3},
    ),
]
# LiteLLM falls back only as long as nothing has been generated.
MID_STREAM = rows(
    "fallback in mid-stream",
    "broken-stream-after-0",
    attempt("broken-stream-after-0", "?"),
    streams=(STREAMED,),
    options=FALLBACKS,
)
MID_STREAM_IN_VAIN = [
    *rows(
        "fallbacks used up in mid-stream",
        "broken-stream-after-0",
        attempt("broken-stream-after-0", "?"),
        streams=(STREAMED,),
        options={"fallbacks": [{"first": ["third"]}]},
    ),
]
NOT_CONNECTED = rows(
    "no connection",
    "unconnected",
    attempt("unconnected", "InternalServerError/server"),
    raises="InternalServerError",
    status="error",
)
UNKNOWN = rows("unknown model", "slow-4ms", attempt("none"), raises="BadRequestError")
COOLDOWN = rows(
    "cooldown",
    "bad-key",
    attempt("bad-key", "AuthenticationError/auth"),
    raises="AuthenticationError",
    status="error",
    options={"disable_cooldowns": False, "cooldown_time": 30, "allowed_fails": 0},
)
NONE_LEFT = rows("no deployment left", "bad-key", attempt("none"))
CACHED = rows("cache hit", "slow-5ms", attempt("slow-5ms", kind="INTERNAL"))
LEFT = [
    row
    for ending, outcome, twins in (
        ("closed early", "cancelled", (ASYNC,)),
        ("never read", "abandoned", (ASYNC, SYNC)),
        # An asynchronous generator is closed when it is collected, and the Router's closes what is in it.
        ("collected half-way", "cancelled", (ASYNC,)),
        ("collected half-way", "abandoned", (SYNC,)),
    )
    for row in rows(
        ending,
        "slow-21ms",
        attempt("slow-21ms", outcome=outcome),
        streams=(STREAMED,),
        twins=twins,
        status="cancelled",
    )
]
CANCELLED = rows(
    "task cancelled",
    "slow-9001ms",
    attempt("slow-9001ms", outcome="cancelled"),
    twins=(ASYNC,),
    status="cancelled",
)
CALLBACKS = rows("callbacks that raise", "slow-6ms", attempt("slow-6ms"))
ROWS = [
    *(
        *SIMPLE,
        *BROKEN,
        *MID_STREAM,
        *MID_STREAM_IN_VAIN,
        *NOT_CONNECTED,
        *UNKNOWN,
        *COOLDOWN,
        *NONE_LEFT,
    ),
    *(*CACHED, *LEFT, *CANCELLED, *CALLBACKS),
]


def each(table: list[Row]) -> Any:
    return pytest.mark.parametrize("row", table, ids=lambda row: row.id)


@pytest.fixture(autouse=True)
def room_for_callbacks() -> None:
    """A Router learns of failures by callbacks, of which LiteLLM keeps 30: those of other tests are gone."""
    import litellm

    litellm.logging_callback_manager._reset_all_callbacks()


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("litellm.constants.INITIAL_RETRY_DELAY", 0.01)


def router_for(row: Row, provider: Provider, **more: Any) -> Any:
    from litellm import Router

    def deployment(group: str, model: str, **params: Any) -> dict[str, Any]:
        return {
            "model_name": group,
            "litellm_params": {
                "model": model,
                "api_base": provider.base_url(),
                "api_key": KEY,
                "max_retries": 0,
                **params,
            },
            # Of its own for each test: every Router there was goes on listening to LiteLLM.
            "model_info": {"id": f"{group} of {row.id}"},
        }

    options = {
        "num_retries": 0,
        "retry_after": 0,
        "disable_cooldowns": True,
        **dict(row.router),
        **more,
    }
    return Router(
        model_list=[
            deployment("first", f"openai/gpt-4o@{row.behaviour}", **dict(row.deployment)),
            deployment("second", "openai/gpt-4o-mini"),
            deployment("third", "openai/gpt-4o@server-error"),
        ],
        **options,
    )


async def read(router: Any, row: Row, into: list[Any] | None = None, group: str = "first") -> None:
    """Make the call, and read its stream if it is one."""
    chunks = [] if into is None else into
    # A behaviour that is only the first's is told by the prompt.
    given = {"messages": [{"role": "user", "content": f"a question, {row.id}"}]}
    if row.stream:
        given["stream"] = True  # pyright: ignore[reportArgumentType]
    if row.ending == "cache hit":
        given["caching"] = True  # pyright: ignore[reportArgumentType]
    if row.twin == ASYNC:
        answer = await router.acompletion(group, **given)
        if row.stream:
            async for chunk in answer:
                chunks.append(chunk)
    else:
        answer = await asyncio.to_thread(router.completion, group, **given)
        if row.stream:
            for chunk in answer:
                chunks.append(chunk)


async def outcome_of(router: Any, row: Row, **more: Any) -> str:
    """The class of what is raised, or "" if nothing is."""
    import litellm

    errors = (
        litellm.exceptions.MidStreamFallbackError,
        *litellm.LITELLM_EXCEPTION_TYPES,
        ValueError,
    )
    try:
        await read(router, row, **more)
    except errors as error:
        return type(error).__name__
    return ""


def check_totals(recorded: Recorded, row: Row, attempts: int, retries: int, fallbacks: int) -> None:
    top, *made = recorded.spans()
    given = dict(top.attributes or {})
    assert given["litellm.model_group"] == "first"
    assert given["litellm.routing.strategy"] == "simple-shuffle"
    wanted = {"attempts": attempts, "retries": retries, "fallbacks": fallbacks}
    (record,) = recorded.requests()
    for name, number in wanted.items():
        assert given[f"litellm.{name}"] == number
        assert record.attributes[f"litellm.{name}"] == number
    assert record.attributes["litellm.model_group"] == "first"
    for span in made:
        about = dict(span.attributes or {})
        group = about["litellm.model_group"]
        assert about["litellm.deployment.id"] == f"{group} of {row.id}"
        assert about["litellm.provider"] == "openai"
        assert about["server.address"] == "127.0.0.1"
        later = about["litellm.fallback.number"] > 0
        assert about.get("litellm.fallback.from") == ("first" if later else None)


@each(SIMPLE)
async def test_simple(recorded: Recorded, provider: Provider, row: Row) -> None:
    assert await outcome_of(router_for(row, provider), row) == row.raises
    since = time.time()
    await asyncio.to_thread(
        check,
        recorded,
        *row.expected,
        status=row.status,
        since=since,
        waited=row.ending == "retries used up",
    )
    check_totals(recorded, row, len(row.expected) - 1, *row.totals)


@each(BROKEN)
async def test_broke(recorded: Recorded, provider: Provider, row: Row) -> None:
    seen: list[Any] = []
    assert await outcome_of(router_for(row, provider), row, into=seen)
    since = time.time()
    await asyncio.to_thread(recorded.settle)
    _, span = recorded.spans()
    given = dict(span.attributes or {})
    assert given["litellm.error.kind"] in ("connection", "server", "timeout")
    error = f"{given['error.type']}/{given['litellm.error.kind']}"
    top, broken = (replace(shape, outcome="error", error=error) for shape in row.expected)
    await asyncio.to_thread(check, recorded, top, broken, status="error", since=since)
    assert given.get("litellm.stream.chunks", 0) >= len(seen)


@each(MID_STREAM)
async def test_fallback_in_mid_stream(recorded: Recorded, provider: Provider, row: Row) -> None:
    assert await outcome_of(router_for(row, provider), row) == ""
    since = time.time()
    await asyncio.to_thread(recorded.settle)
    _, first, second = recorded.spans()
    error = dict(first.attributes or {})["error.type"]
    kind = dict(first.attributes or {})["litellm.error.kind"]
    await asyncio.to_thread(
        check,
        recorded,
        route("first"),
        replace(row.expected[1], error=f"{error}/{kind}"),
        attempt(number=2, reason=f"fallback after {error}"),
        status="success",
        since=since,
    )
    assert (first.end_time or 0) <= (second.start_time or 0)
    check_totals(recorded, row, 2, 0, 1)


@each(MID_STREAM_IN_VAIN)
async def test_fallback_in_mid_stream_in_vain(
    recorded: Recorded, provider: Provider, row: Row
) -> None:
    assert await outcome_of(router_for(row, provider), row) == "APIConnectionError"
    since = time.time()
    await asyncio.to_thread(recorded.settle)
    error = "APIConnectionError/connection"
    await asyncio.to_thread(
        check,
        recorded,
        route("first", outcome="error", error=error),
        replace(row.expected[1], outcome="error", error=error),
        attempt(
            "server-error",
            "InternalServerError/server",
            number=2,
            reason="fallback after APIConnectionError",
        ),
        status="error",
        since=since,
    )
    check_totals(recorded, row, 2, 0, 1)


@each(NOT_CONNECTED)
async def test_no_connection(recorded: Recorded, provider: Provider, row: Row) -> None:
    row = replace(row, deployment=(("api_base", "http://127.0.0.1:9/v1"),))
    assert await outcome_of(router_for(row, provider), row) == row.raises
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status)


@each(UNKNOWN)
async def test_unknown_model(recorded: Recorded, provider: Provider, row: Row) -> None:
    raised = await outcome_of(router_for(row, provider), row, group="no-such-group")
    assert raised == "BadRequestError"
    top = route("no-such-group", outcome="rejected", error="BadRequestError/bad_request")
    await asyncio.to_thread(check, recorded, top, status="rejected")


@each(COOLDOWN)
async def test_cooldown(recorded: Recorded, provider: Provider, row: Row) -> None:
    """The attempt whose failure caused it says so: an event, and for how long."""
    assert await outcome_of(router_for(row, provider), row) == row.raises
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status)
    top, span = recorded.spans()
    assert [event.name for event in span.events] == ["litellm.deployment.cooldown"]
    assert not top.events
    event = dict(span.events[0].attributes or {})
    assert event["litellm.deployment.id"] == f"first of {row.id}"
    assert event["error.type"] == "AuthenticationError"
    assert event["litellm.cooldown.seconds"] == 30.0
    assert dict(span.attributes or {})["litellm.cooldown.seconds"] == 30.0


@each(NONE_LEFT)
async def test_no_deployment_left(recorded: Recorded, provider: Provider, row: Row) -> None:
    """Every deployment cools down: there is no attempt at all, and with a fallback none of the first."""
    router = router_for(row, provider, disable_cooldowns=False, cooldown_time=300, allowed_fails=0)
    assert await outcome_of(router, row) == "AuthenticationError"
    await asyncio.to_thread(recorded.clear)
    asked = len(provider.calls)
    assert await outcome_of(router, row) == "RouterRateLimitError"
    assert len(provider.calls) == asked
    top = route("first", outcome="error", error="RouterRateLimitError/no_deployment")
    await asyncio.to_thread(check, recorded, top, status="error")
    check_totals(recorded, row, 0, 0, 0)

    await asyncio.to_thread(recorded.clear)
    router.fallbacks = [{"first": ["second"]}]
    assert await outcome_of(router, row) == ""
    after = attempt(number=1, reason="fallback after RouterRateLimitError")
    await asyncio.to_thread(check, recorded, route("first"), after, status="success")
    check_totals(recorded, row, 1, 0, 1)


@pytest.fixture
def memory_cache() -> Iterator[Any]:
    import litellm
    from litellm.caching.caching import Cache

    litellm.cache = Cache()
    yield litellm.cache
    litellm.cache = None


@each(CACHED)
async def test_cache_hit(
    recorded: Recorded, provider: Provider, row: Row, memory_cache: Any
) -> None:
    router = router_for(row, provider)
    await read(router, row)
    await asyncio.sleep(0.05)  # the cache is written by tasks of this loop
    await asyncio.to_thread(until, lambda: memory_cache.cache.cache_dict)
    await asyncio.to_thread(recorded.clear)
    asked = len(provider.calls)
    await read(router, row)
    assert len(provider.calls) == asked
    await asyncio.to_thread(check, recorded, *row.expected, status="success")


@each(LEFT)
async def test_left(recorded: Recorded, provider: Provider, row: Row) -> None:
    """Whoever asked for the stream does not read it to its end."""
    router = router_for(row, provider)
    given = {"messages": [{"role": "user", "content": "a question"}], "stream": True}
    if row.twin == ASYNC:
        stream = await router.acompletion("first", **given)
        if row.ending != "never read":
            await stream.__anext__()
        if row.ending == "closed early":
            await stream.aclose()
    else:
        stream = router.completion("first", **given)
        if row.ending != "never read":
            next(stream)
    since = time.time()
    del stream

    def collected() -> bool:
        gc.collect()  # threads of LiteLLM's may hold it for a moment
        return not recorded.open.spans or not recorded.streams_are_open

    await asyncio.to_thread(until, collected)
    ended = {"since": since, "latest": time.time()}
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status, **ended)


@each(CANCELLED)
async def test_cancelled(recorded: Recorded, provider: Provider, row: Row) -> None:
    asked = len(provider.calls)
    task = asyncio.create_task(read(router_for(row, provider), row))
    while len(provider.calls) == asked:  # noqa: ASYNC110 - the provider is in another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    since = time.time()
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status, since=since)


@each(CALLBACKS)
async def test_callbacks_that_raise(
    recorded: Recorded, provider: Provider, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    import litellm

    called: list[str] = []

    def broken(*_: Any, **__: Any) -> None:
        called.append(row.twin)
        raise RuntimeError("the user's callback broke")

    async def broken_too(*_: Any, **__: Any) -> None:
        broken()

    monkeypatch.setattr(litellm, "success_callback", [broken])
    monkeypatch.setattr(litellm, "_async_success_callback", [broken_too])
    await read(router_for(row, provider), row)
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status)
    await asyncio.to_thread(until, lambda: called)
