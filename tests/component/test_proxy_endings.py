"""Every way a client's request to the proxy can end: the server span and all below it, one count, one record.

One real proxy for the module. Each test's request has a trace of its own, by which its telemetry is found.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from stack.standins.provider import Provider
from stack.waiting import until
from tests.component.calls.endings import PROXY, STREAMED, WHOLE, Cell
from tests.component.calls.shapes import SOON, Shape, route, shape
from tests.component.gateway import ADA, CHAT, Asked, Gateway, running_gateway
from tests.component.otlp_sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.component.otlp_sink import Item

pytestmark = pytest.mark.timeout(600)

PROMPT = "A question that must not travel."
KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}
STUCK = "slow-60000ms-after-4"
LATE = 30.0
"""Seconds after its client left when a request has not ended with that, but with something later."""


@dataclass(frozen=True, slots=True)
class Row:
    """One ending of one kind of request."""

    ending: str
    stream: bool
    body: tuple[tuple[str, Any], ...]
    answer: int
    """The HTTP status that the client gets, 0 where it gets none."""
    outcome: str
    status: str
    error: str | None = None
    expected: tuple[Shape, ...] = ()
    """What is below the server span, in the order of its starts."""
    key: str = ADA
    broken: bool = False
    """True where the client finds its answer cut off."""
    surface: str = PROXY
    known: bool = True
    """Whether the proxy knew in the end who had asked."""
    label: str = ""
    """The label of the metric, where it is not the model asked for."""

    @property
    def cell(self) -> Cell:
        return self.ending, self.surface, "", self.stream

    @property
    def id(self) -> str:
        model = dict(self.body).get("model", "")
        return f"{self.ending}-{model}{'-streamed' if self.stream else ''}".replace(" ", "_")


def rows(
    ending: str,
    model: str,
    answer: int,
    outcome: str,
    *below: Shape,
    error: str | None = None,
    streams: tuple[bool, ...] = (WHOLE, STREAMED),
    body: dict[str, Any] | None = None,
    **more: Any,
) -> list[Row]:
    status = {"completed": "success", "error": "error", "rejected": "rejected"}
    given = {"model": model, **(body or {})}
    return [
        Row(
            ending,
            stream,
            tuple(given.items()),
            answer,
            outcome,
            status.get(outcome, "cancelled"),
            error,
            below,
            **more,
        )
        for stream in streams
    ]


def attempted(group: str, behaviour: str, error: str | None = None, **more: Any) -> list[Shape]:
    """The spans of a call with one attempt."""
    ending = {"outcome": "error" if error else "completed", "error": error, **more}
    model = f"gpt-4o@{behaviour}" if behaviour else "gpt-4o"
    return [route(group, **ending), Shape(f"chat {model}", **ending)]


def failed(ending: str, group: str, behaviour: str, answer: int, error: str) -> list[Row]:
    return rows(ending, group, answer, "error", *attempted(group, behaviour, error), error=error)


UNAVAILABLE = "ServiceUnavailableError/server"
GUARDRAIL = "HTTPException/guardrail"
OVER_LIMIT = "ProxyRateLimitError/rate_limit"
REFUSED = {"outcome": "rejected"}
MODEL = {"streams": (WHOLE,)}

SIMPLE = [
    *rows("answered", "whole", 200, "completed", *attempted("whole", "")),
    *failed("provider's error", "server-error", "server-error", 500, "InternalServerError/server"),
    *failed("provider's error", "rate-limit", "rate-limit", 429, "RateLimitError/rate_limit"),
    *failed("provider's error", "bad-key", "bad-key", 401, "AuthenticationError/auth"),
    *rows(
        "provider refuses the request",
        "bad-request",
        400,
        "rejected",
        *attempted("bad-request", "bad-request", "BadRequestError/bad_request", **REFUSED),
        error="BadRequestError/bad_request",
    ),
    *failed("timeout", "timeout", "timeout", 408, "Timeout/timeout"),
    *rows(
        "error at the first chunk",
        "broken-first",
        500,
        "error",
        *attempted("broken-first", "broken-stream-after-0", "APIConnectionError/connection"),
        error="APIConnectionError/connection",
        streams=(STREAMED,),
    ),
    *rows(
        "error after some chunks",
        "broken-mid",
        200,
        "error",
        *attempted("broken-mid", "broken-stream-500ms-after-3", "APIConnectionError/connection"),
        error="APIConnectionError/connection",
        streams=(STREAMED,),
    ),
    *rows(
        "unknown model",
        "no-such-model",
        400,
        "rejected",
        error="ProxyModelNotFoundError/bad_request",
        label="other",
    ),
    *rows(
        "retried",
        "flaky",
        200,
        "completed",
        route("flaky"),
        Shape("chat gpt-4o@unavailable-first-1", "error", UNAVAILABLE),
        Shape(
            "chat gpt-4o@unavailable-first-1",
            number=2,
            reason="retry after ServiceUnavailableError",
        ),
        body={"num_retries": 1},
    ),
    *rows(
        "retries used up",
        "unavailable",
        503,
        "error",
        route("unavailable", outcome="error", error=UNAVAILABLE),
        Shape("chat gpt-4o@unavailable", "error", UNAVAILABLE),
        Shape(
            "chat gpt-4o@unavailable",
            "error",
            UNAVAILABLE,
            number=2,
            reason="retry after ServiceUnavailableError",
        ),
        error=UNAVAILABLE,
        body={"num_retries": 1},
    ),
    *rows(
        "fallback",
        "falls-back",
        200,
        "completed",
        route("falls-back"),
        Shape("chat gpt-4o@unavailable", "error", UNAVAILABLE),
        Shape("chat gpt-4o-mini", number=2, reason="fallback after ServiceUnavailableError"),
    ),
    *rows(
        "fallbacks used up",
        "falls-far",
        503,
        "error",
        route("falls-far", outcome="error", error=UNAVAILABLE),
        Shape("chat gpt-4o@unavailable", "error", UNAVAILABLE),
        Shape(
            "chat gpt-4o@server-error",
            "error",
            "InternalServerError/server",
            number=2,
            reason="fallback after ServiceUnavailableError",
        ),
        error=UNAVAILABLE,
    ),
    *rows(
        "context window fallback",
        "too-long",
        200,
        "completed",
        route("too-long"),
        Shape("chat gpt-4o@context-window", "rejected", "ContextWindowExceededError/bad_request"),
        Shape(
            "chat gpt-4o-mini",
            number=2,
            reason="context_window_fallback after ContextWindowExceededError",
        ),
    ),
    *rows(
        "content policy fallback",
        "improper",
        200,
        "completed",
        route("improper"),
        Shape("chat gpt-4o@content-policy", "rejected", "ContentPolicyViolationError/bad_request"),
        Shape(
            "chat gpt-4o-mini",
            number=2,
            reason="content_policy_fallback after ContentPolicyViolationError",
        ),
    ),
    *rows(
        "fallback in mid-stream",
        "broken-falls-back",
        200,
        "completed",
        route("broken-falls-back"),
        Shape("chat gpt-4o@broken-stream-after-0", "error", "APIConnectionError/connection"),
        Shape("chat gpt-4o-mini", number=2, reason="fallback after APIConnectionError"),
        streams=(STREAMED,),
    ),
    *rows(
        "fallbacks used up in mid-stream",
        "broken-falls-far",
        500,
        "error",
        route("broken-falls-far", outcome="error", error="APIConnectionError/connection"),
        Shape("chat gpt-4o@broken-stream-after-0", "error", "APIConnectionError/connection"),
        Shape(
            "chat gpt-4o@server-error",
            "error",
            "InternalServerError/server",
            number=2,
            reason="fallback after APIConnectionError",
        ),
        error="APIConnectionError/connection",
        streams=(STREAMED,),
    ),
    *rows(
        "guardrail before the call",
        "whole",
        400,
        "rejected",
        error=GUARDRAIL,
        body={"guardrails": ["before"]},
    ),
    *rows(
        "guardrail during the call",
        "late",  # later than the guardrail, on any machine, also to begin a stream
        400,
        "rejected",
        *attempted("late", "late", outcome="cancelled"),
        error=GUARDRAIL,
        body={"guardrails": ["during"]},
    ),
    *rows(
        "guardrail after the call",
        "whole",
        400,
        "rejected",
        *attempted("whole", ""),
        error=GUARDRAIL,
        body={"guardrails": ["after"]},
        streams=(WHOLE,),
    ),
    *rows(
        "guardrail after the call",
        "slow",
        200,
        "rejected",
        *attempted("slow", "slow-300ms", outcome="cancelled"),
        error=GUARDRAIL,
        body={"guardrails": ["after"]},
        streams=(STREAMED,),
        broken=True,
    ),
    *rows(
        "hook that raises",
        "whole",
        500,
        "error",
        error="RuntimeError/other",
        body={"user": "breaks-the-hook"},
    ),
    *rows("callbacks that raise", "whole", 200, "completed", *attempted("whole", "")),
    *rows(
        "no such key",
        "whole",
        401,
        "rejected",
        error="HTTPException/auth",
        key="sk-nobody-0123456789abcdef",
        known=False,
        **MODEL,
    ),
    *rows(
        "authentication that raises",
        "whole",
        401,
        "rejected",
        error="ValueError/auth",
        key="sk-crash-0123456789abcdef",
        known=False,
        **MODEL,
    ),
    *rows(
        "model not allowed",
        "spare",
        403,
        "rejected",
        error="ModelAccessDeniedProxyException/auth",
        key="sk-small-0123456789abcdef",
        known=False,
        **MODEL,
    ),
    *rows(
        "incomplete body",
        "whole",
        400,
        "rejected",
        error="ProxyMissingRequiredParamError/bad_request",
        body={"messages": None},
        **MODEL,
    ),
]
MALFORMED = rows(
    "malformed body",
    "whole",
    400,
    "rejected",
    error="ProxyException/bad_request",
    label="other",
    **MODEL,
)
# A key each: what one of them has begun to count is forgotten in a minute.
LIMITED = [
    row
    for stream, key in (
        (WHOLE, "sk-twice-0123456789abcdef"),
        (STREAMED, "sk-twice-again-0123456789"),
    )
    for row in rows(
        "rate limit", "whole", 429, "rejected", error=OVER_LIMIT, key=key, streams=(stream,)
    )
]
SPENT = rows(
    "budget spent",
    "whole",
    422,
    "rejected",
    error="BudgetExceededError/budget",
    key="sk-spent-0123456789abcdef",
    known=False,
)
TOO_MANY = rows(
    "too many at once",
    "held",
    429,
    "rejected",
    error=OVER_LIMIT,
    key="sk-alone-0123456789abcdef",
    **MODEL,
)
COOLDOWN = [
    *rows(
        "cooldown",
        "cools-down",
        401,
        "error",
        *attempted("cools-down", "bad-key", "AuthenticationError/auth"),
        error="AuthenticationError/auth",
    ),
    *rows(
        "no deployment left",
        "cools-down",
        429,
        "error",
        route("cools-down", outcome="error", error="RouterRateLimitError/no_deployment"),
        error="RouterRateLimitError/no_deployment",
    ),
]
CACHED = rows(
    "cache hit",
    "whole",
    200,
    "completed",
    route("whole"),
    Shape("chat gpt-4o", kind="INTERNAL"),
    body={"cache": {"use-cache": True}},
)
GONE = [
    *rows(
        "client gone before the answer",
        "held",
        0,
        "client_disconnected",
        *attempted("held", ""),
        streams=(WHOLE,),
    ),
    *rows(
        "client gone before the answer",
        "stuck",
        0,
        "client_disconnected",
        *attempted("stuck", STUCK, outcome="client_disconnected"),
        streams=(STREAMED,),
    ),
    *rows(
        "client gone in mid-stream",
        "stuck",
        0,
        "client_disconnected",
        *attempted("stuck", STUCK, outcome="client_disconnected"),
        streams=(STREAMED,),
    ),
]
ROWS = [*SIMPLE, *MALFORMED, *LIMITED, *SPENT, *TOO_MANY, *COOLDOWN, *CACHED, *GONE]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    sink = Sink().start()
    with (
        Provider() as provider,
        running_gateway(tmp_path_factory.mktemp("gateway"), provider, sink) as started,
    ):
        yield started
    sink.stop()


def ask(gateway: Gateway, row: Row, content: bytes | None = None, **options: Any) -> Asked:
    """Send the row's request, and read its answer as far as it goes."""
    return gateway.ask(CHAT, content or content_of(row), row.key, **options)


def content_of(row: Row) -> bytes:
    given = {
        "messages": [{"role": "user", "content": f"{PROMPT} {row.id}"}],
        **dict(row.body),
        **({"stream": True} if row.stream else {}),
    }
    if given["messages"] is None:
        del given["messages"]
    return json.dumps(given).encode()


def shapes_of(spans: list[Item]) -> list[Shape]:
    made: list[Shape] = []
    for span in sorted(spans, key=lambda span: span.data.start_time_unix_nano):
        if span.scope != "litellm_otel":
            continue
        made.append(shape(span.data.name, KINDS[span.data.kind], span.attributes))
        assert (span.data.status.code == 2) == made[-1].failed, span.data.name
    return made


def settled(gateway: Gateway, row: Row, asked: Asked) -> tuple[Item, list[Item], Item]:
    """The server span, those below, and the record, once all are there."""

    def there() -> bool:
        spans = gateway.spans_of(asked.trace)
        return (
            len(shapes_of(spans)) >= len(row.expected)
            and any(span.data.kind == 2 for span in spans)
            and bool(gateway.records_of(asked.trace))
        )

    assert gateway.sink.wait_for(there), gateway.proxy.output[-3000:]
    time.sleep(0.1)  # for what should not come
    spans = gateway.spans_of(asked.trace)
    (server,) = [span for span in spans if span.data.kind == 2]
    (record,) = gateway.records_of(asked.trace)
    return server, [span for span in spans if span is not server], record


def check(gateway: Gateway, row: Row, asked: Asked, before: dict[str, float]) -> None:
    server, below, record = settled(gateway, row, asked)
    assert shapes_of(below) == list(row.expected)
    given = server.attributes
    assert server.data.name == f"POST {CHAT}"
    assert shape("", "SERVER", given) == Shape("", row.outcome, row.error, "SERVER", number=None)
    assert (server.data.status.code == 2) == (row.outcome == "error" or row.broken)
    by_id = {span.data.span_id: span for span in below}
    for span in below:
        parent = by_id.get(span.data.parent_span_id, server)
        if span.data.name.startswith("route "):
            assert parent is server
        elif span.scope == "litellm_otel":
            assert parent.data.name.startswith("route ")
        else:
            assert parent.scope == "litellm_otel"

    told = record.attributes
    assert told["litellm.outcome"] == row.outcome
    assert told["litellm.status"] == row.status
    assert told.get("error.type") == (row.error or "").partition("/")[0] or not row.error
    assert told["litellm.attempts"] == len([shape for shape in row.expected if shape.number])
    if row.known:
        for holder in (given, told):
            assert holder["litellm.key.alias"] == row.key.split("-")[1]
            assert holder["litellm.team.alias"] == "analysts"
    if asked.headers:
        assert asked.headers["traceresponse"].split("-")[1] == asked.trace
        call_id = asked.headers.get("x-litellm-call-id")
        assert call_id is None or call_id == given["litellm.call.id"] == told["litellm.call.id"]
    model = row.label or dict(row.body)["model"]
    status = row.status
    wanted = before.get(status, 0) + 1
    assert gateway.sink.wait_for(lambda: gateway.counted(model).get(status) == wanted), (
        gateway.counted(model),
        before,
    )
    end = server.data.end_time_unix_nano / 1e9
    assert end - asked.ended < (LATE if row in GONE else SOON)


def each(table: list[Row]) -> Any:
    return pytest.mark.parametrize("row", table, ids=lambda row: row.id)


def before(gateway: Gateway, row: Row) -> dict[str, float]:
    return gateway.counted(row.label or dict(row.body)["model"])


def after_some(gateway: Gateway, row: Row, ask_once: Callable[[], bool]) -> dict[str, float]:
    """Ask until it is as wanted; what is counted when all of that is."""
    counted = sum(before(gateway, row).values())
    made = 0

    def asked() -> bool:
        nonlocal made
        made += 1
        return ask_once()

    until(asked, what=f"{row.ending} for the first time", timeout=60.0)
    assert gateway.sink.wait_for(lambda: sum(before(gateway, row).values()) == counted + made), (
        gateway.proxy.output[-3000:]
    )
    return before(gateway, row)


@each(SIMPLE)
def test_simple(gateway: Gateway, row: Row) -> None:
    counted = before(gateway, row)
    asked = ask(gateway, row)
    assert (asked.status, asked.broken) == (row.answer, row.broken)
    check(gateway, row, asked, counted)


@each(MALFORMED)
def test_malformed(gateway: Gateway, row: Row) -> None:
    counted = before(gateway, row)
    asked = ask(gateway, row, b'{"model": "whole", not json')
    assert asked.status == row.answer
    check(gateway, row, asked, counted)


@each(LIMITED)
def test_rate_limit(gateway: Gateway, row: Row) -> None:
    counted = after_some(gateway, row, lambda: ask(gateway, row).status == row.answer)
    asked = ask(gateway, row)
    assert asked.status == row.answer
    check(gateway, row, asked, counted)


@each(SPENT)
def test_budget(gateway: Gateway, row: Row) -> None:
    counted = after_some(gateway, row, lambda: ask(gateway, row).status == row.answer)
    asked = ask(gateway, row)
    assert asked.status == row.answer
    check(gateway, row, asked, counted)


@each(TOO_MANY)
def test_too_many_at_once(gateway: Gateway, row: Row) -> None:
    other = Asked()
    gateway.provider.hold(other.trace)
    first = threading.Thread(target=ask, args=(gateway, row), kwargs={"asked": other})
    first.start()
    try:
        assert gateway.sink.wait_for(lambda: gateway.provider.has_met(other.trace))
        counted = before(gateway, row)
        asked = ask(gateway, row)
    finally:
        gateway.provider.let_go(other.trace)
        first.join()
    assert asked.status == row.answer
    check(gateway, row, asked, counted)


@each([row for row in COOLDOWN if row.ending == "cooldown"])
def test_cooldown(gateway: Gateway, row: Row) -> None:
    """The failure that causes it, then requests for which there is no deployment left."""
    group = f"cools-down{'-streamed' if row.stream else ''}"
    row = named_after(row, group)
    counted = before(gateway, row)
    asked = ask(gateway, row)
    assert asked.status == row.answer
    check(gateway, row, asked, counted)
    _, below, _ = settled(gateway, row, asked)
    (attempt,) = [span for span in below if span.data.name.startswith("chat ")]
    assert [event.name for event in attempt.data.events] == ["litellm.deployment.cooldown"]
    assert attempt.attributes["litellm.cooldown.seconds"] == 60.0

    (left,) = [
        other for other in COOLDOWN if other.stream == row.stream and other.ending != row.ending
    ]
    left = named_after(left, group)
    counted = before(gateway, left)
    asked = ask(gateway, left)
    assert asked.status == left.answer
    check(gateway, left, asked, counted)


def named_after(row: Row, group: str) -> Row:
    """The row, of another group: each test needs deployments that are not cooling down yet."""
    expected = tuple(
        replace(shape, name=f"route {group}") if shape.name.startswith("route ") else shape
        for shape in row.expected
    )
    return replace(row, body=(("model", group),), expected=expected)


@each(CACHED)
def test_cache_hit(gateway: Gateway, row: Row) -> None:
    first = replace(row, expected=tuple(attempted("whole", "")))
    counted = before(gateway, first)
    asked = ask(gateway, first)
    check(gateway, first, asked, counted)

    def is_kept() -> bool:
        """LiteLLM keeps an answer a moment after it has given it."""
        asked = ask(gateway, row)
        assert asked.status == row.answer
        return not gateway.provider.has_met(asked.trace)

    counted = after_some(gateway, row, is_kept)
    asked = ask(gateway, row)
    assert asked.status == row.answer
    assert not gateway.provider.has_met(asked.trace)
    check(gateway, row, asked, counted)


@each(GONE)
def test_client_gone(gateway: Gateway, row: Row) -> None:
    counted = before(gateway, row)
    if row.ending == "client gone in mid-stream":
        asked = ask(gateway, row, leave=True)
    else:
        # Before the answer begins, LiteLLM does not look whether anybody waits for it.
        asked = gateway.ask_and_leave(CHAT, content_of(row), row.key)
    check(gateway, row, asked, counted)


def test_nothing_of_the_prompt_or_the_keys_has_left(gateway: Gateway) -> None:
    left = "".join(str(item.data) for item in (*gateway.sink.spans, *gateway.sink.logs))
    assert PROMPT not in left
    for key in ("sk-crash-0123456789abcdef", ADA, "sk-of-the-provider-0123456789", "sk-planted"):
        assert key not in left
