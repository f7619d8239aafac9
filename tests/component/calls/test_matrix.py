"""Every entry point and every way its call can end: each attempt, count and record says so, once."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from tests.component.calls import calling, expected
from tests.component.calls.cases import CASES
from tests.component.calls.shapes import COLLECTED
from tests.component.calls.ways import ABANDONED, CANCELLED, ERROR, NOBODY, REFUSED, WAYS, Way
from tests.component.nobody import WITHOUT_AN_ADDRESS, refusing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from opentelemetry.sdk.trace import ReadableSpan

    from stack.standins.provider import Provider
    from tests.component.calls.case import Case, Twin
    from tests.component.calls.recorded import Recorded

SOON = 5.0
"""Seconds that an end may come after the moment at which the caller saw it, on a machine with other work."""
PATIENCE = 60.0
"""Seconds that LiteLLM may take to ask: it imports a lot when it is first asked for something."""
VARIANTS = ("", "anthropic", "tavily", "searxng")
"""The others of a function differ in what they tell when all is well."""


@dataclass(frozen=True, slots=True)
class Row:
    case: Case
    twin: Twin
    way: Way
    routed: bool = False

    @property
    def key(self) -> str:
        through = f"router-{self.twin}" if self.routed else self.twin
        return f"{self.way.name}/{self.case.id}/{through}"

    @property
    def closes(self) -> bool:
        return self.way.name == "closed early" and not self._is_in(UNCLOSABLE)

    @property
    def swallowed(self) -> bool:
        return self._is_in(tuple(SWALLOWED)) and self.way.ending is not CANCELLED

    @property
    def raises(self) -> bool:
        failed = self.way.ending in (ERROR, REFUSED) or self.way.name.startswith("task cancelled")
        return failed and not self.swallowed

    @property
    def ending(self) -> tuple[str, str]:
        if self.way.name == "closed early" and self._is_in((*UNCLOSABLE, *DROPPED_BY_ROUTER)):
            return ABANDONED
        if self.way.name == "half read and dropped" and self._is_in(CLOSED_BY_LOOP):
            return CANCELLED
        if self.swallowed:
            return ERROR
        return self.way.ending

    def _is_in(self, keys: tuple[str, ...]) -> bool:
        return self.key.partition("/")[2] in keys

    @property
    def id(self) -> str:
        return self.key.replace(" ", "_")


_NO_TIMEOUT = "LiteLLM does not hand the timeout on"
_ONE_PIECE = "the stand-in sends a file in one piece"
EXCEPTIONS: Mapping[str, str] = {
    "timeout/passthrough-llm_passthrough_route/*": _NO_TIMEOUT,
    "timeout/main-moderation/*": _NO_TIMEOUT,
    "timeout/search-search-searxng/*": _NO_TIMEOUT,
    "timeout/rag-ingest/*": _NO_TIMEOUT,
    "timeout/images-image_variation/sync": "LiteLLM tells of it as of an error of the provider's",
    "half read and dropped/llms.anthropic.*/router-async": "the event loop may be first to close it",
    "cut before the first chunk/files-file_content-streamed/*": _ONE_PIECE,
    "cut in mid-stream/files-file_content-streamed/*": _ONE_PIECE,
    "task cancelled while reading/files-file_content-streamed/*": _ONE_PIECE,
}
"""Rows that are not, and why."""
WITHOUT_ROW = {
    ("pass-through", "timeout"),
    ("moderation", "timeout"),
    ("ingestion for retrieval", "timeout"),
    *(("files", name) for name in ("cut before the first chunk", "cut in mid-stream")),
    ("files", "task cancelled while reading"),
}
"""Kinds of calls and endings that those leave without a row."""
_WITHOUT_CLOSE = (
    "main-text_completion-streamed",
    "responses-responses-streamed",
    "google_genai-generate_content_stream-streamed",
    "interactions-create-streamed",
)
UNCLOSABLE = (
    "main-completion-streamed/sync",
    *(f"{case}/{twin}" for case in _WITHOUT_CLOSE for twin in ("sync", "async")),
    *(f"{case}/router-async" for case in _WITHOUT_CLOSE[2:]),
    *(
        f"{case}/router-sync"
        for case in ("main-completion-streamed", _WITHOUT_CLOSE[1], _WITHOUT_CLOSE[2])
    ),
)
"""Streams that have nothing to close them by, and can only be dropped."""
DROPPED_BY_ROUTER = tuple(f"{case}/router-async" for case in _WITHOUT_CLOSE[:2])
"""What the Router makes of those can be closed, and drops them then."""
CLOSED_BY_LOOP = ("main-completion-streamed/router-async",)
"""An asynchronous generator that was begun: the event loop closes it before it is gone."""
SWALLOWED = {
    **dict.fromkeys(("rag-ingest/sync", "rag-ingest/async"), frozenset({"other"})),
    "batches-list_batches/router-async": frozenset({"server"}),
}
"""LiteLLM raises nothing out of these, and answers as if nothing were there; and what it failed for."""


def _all() -> Iterator[Row]:
    for case in CASES:
        if case.variant not in VARIANTS:
            continue
        brief = not (expected.KINDS[case.kind].billed or case.stream)
        for way in WAYS:
            if way.stream is not case.stream or (brief and not way.brief):
                continue
            for twin in way.twins:
                if twin in case.twins:
                    yield Row(case, twin, way)
                if twin in case.routed:
                    yield Row(case, twin, way, routed=True)


EVERY = tuple(_all())
ROWS = [row for row in EVERY if not any(fnmatch(row.key, key) for key in EXCEPTIONS)]


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's client tries again, inside one attempt, where LiteLLM does not hand it the number of tries."""
    client = "openai._base_client.BaseClient._calculate_retry_timeout"
    monkeypatch.setattr(client, lambda *_, **__: 0.0)


class Nobody:
    """A provider that is not there."""

    def __init__(self, port: int) -> None:
        self.port = port

    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def base_url(self) -> str:
        return f"{self.address()}/v1"


@contextmanager
def nobody() -> Generator[Nobody]:
    import litellm
    from litellm.caching.llm_caching_handler import LLMClientCache

    with pytest.MonkeyPatch.context() as patch, refusing() as port:
        for name, value in WITHOUT_AN_ADDRESS.items():
            patch.setenv(name, value)
        # As the clients that are there already have read the variables.
        patch.setattr(litellm, "in_memory_llm_clients_cache", LLMClientCache())
        yield Nobody(port)


@dataclass(slots=True)
class Seen:
    """What the caller saw."""

    raised: type[BaseException] | None = None
    closed: bool = False
    chunks: int = 0
    latest: float = 0.0


async def _read(stream: Any, row: Row, seen: Seen) -> None:
    async for _ in stream:
        seen.chunks += 1
        if seen.chunks == row.way.chunks:
            return


async def _asynchronous(call: calling.Call, row: Row, seen: Seen) -> None:
    function, given = call
    result = await function(**given)
    if row.case.stream:
        stream = calling.stream_of(result)
        if row.way.chunks != 0:
            await _read(stream, row, seen)
        if row.way.name == "closed early" and hasattr(stream, "aclose"):
            await stream.aclose()
            seen.closed = True


def _synchronous(call: calling.Call, row: Row, seen: Seen) -> None:
    function, given = call
    result = function(**given)
    if row.case.stream:
        stream = calling.stream_of(result)
        if row.way.chunks != 0:
            for _ in stream:
                seen.chunks += 1
                if seen.chunks == row.way.chunks:
                    break
        if row.way.name == "closed early" and hasattr(stream, "close"):
            stream.close()
            seen.closed = True


async def _made(call: calling.Call, row: Row, provider: Provider) -> Seen:
    seen = Seen()
    try:
        if row.way.name.startswith("task cancelled"):
            await _cancelled(call, row, provider, seen)
        elif row.twin == "sync":
            await asyncio.to_thread(calling.in_program, _synchronous, call, row, seen)
        else:
            await _asynchronous(call, row, seen)
    except BaseException as raised:
        seen.raised = type(raised)  # not itself, which may hold the stream
    if row.case.stream and not seen.raised:
        gc.collect()
    seen.latest = time.time()
    return seen


async def _cancelled(call: calling.Call, row: Row, provider: Provider, seen: Seen) -> None:
    asked = len(provider.calls)
    task = asyncio.create_task(_asynchronous(call, row, seen))

    def due() -> bool:
        return seen.chunks > 0 if row.case.stream else len(provider.calls) > asked

    deadline = time.monotonic() + PATIENCE
    while not due() and not task.done() and time.monotonic() < deadline:  # noqa: ASYNC110 - of another thread
        await asyncio.sleep(0.01)
    task.cancel()
    await task


def _check_span(recorded: Recorded, span: ReadableSpan, row: Row, seen: Seen) -> None:
    outcome, _ = row.ending
    given = dict(span.attributes or {})
    failed = outcome in ("error", "rejected")
    assert given["litellm.outcome"] == outcome
    assert (span.status.status_code is StatusCode.ERROR) is failed
    assert ("error.type" in given) is failed
    soon = COLLECTED if outcome == "abandoned" else SOON
    assert recorded.began < (span.end_time or 0) / 1e9 < seen.latest + soon
    if failed:
        kinds = SWALLOWED[row.key.partition("/")[2]] if row.swallowed else row.way.kinds
        assert given.get("litellm.error.kind") in kinds


def _check(recorded: Recorded, row: Row, seen: Seen) -> None:
    case, (outcome, status) = row.case, row.ending
    recorded.settle(at_once=True)
    spans = recorded.spans()
    routes = [span for span in spans if span.name == f"route {calling.GROUP}"]
    assert len(routes) == (row.routed and row.twin not in case.handed_on)
    attempt, *within = [span for span in spans if span not in routes]
    root = routes[0] if routes else attempt

    model = case.model or (calling.MODEL_OF_NONE if row.routed else expected.model(case))
    assert attempt.name == expected.span_name(case, model)
    assert attempt.kind.name == "CLIENT"
    assert root.parent is None
    if routes:
        assert root.kind.name == "INTERNAL"
        assert attempt.parent is not None
        assert attempt.parent.span_id == root.context.span_id
    assert [inner.name for inner in within] == list(case.within)[: len(within)]
    assert bool(within) is bool(case.within)
    for inner in within:
        assert inner.parent is not None
        assert inner.parent.span_id == attempt.context.span_id
    for span in (*routes, attempt):
        _check_span(recorded, span, row, seen)

    counted = recorded.increments("litellm.requests")
    assert [(dict(labels)["status"], count) for labels, count in counted.items()] == [(status, 1)]
    (record,) = recorded.requests()
    told = dict(record.attributes)
    assert (told["litellm.outcome"], told["litellm.status"]) == (outcome, status)
    assert told.get("error.type") == dict(root.attributes or {}).get("error.type")
    assert record.trace_id == root.context.trace_id
    assert not recorded.streams_are_open


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_ending(recorded: Recorded, provider: Provider, row: Row) -> None:
    there = row.way.behaviour != NOBODY
    make = calling.router_call if row.routed else calling.sdk_call
    if there:
        provider.switch("", row.way.behaviour)
    try:
        with nullcontext(provider) if there else nobody() as asked:
            function, given = make(row.case, row.twin, asked)
            call = function, {**given, **row.way.options, "max_retries": 0}
            seen = await _made(call, row, provider)
    finally:
        provider.switch("")
    assert (seen.raised is not None) is row.raises
    if row.way.name.startswith("task"):
        assert seen.raised is asyncio.CancelledError
    assert seen.closed is row.closes
    if row.way.name == "cut in mid-stream":
        assert seen.chunks
    await asyncio.to_thread(_check, recorded, row, seen)


def test_every_ending_of_every_entry_point_has_a_row() -> None:
    for pattern in EXCEPTIONS:
        assert any(fnmatch(row.key, pattern) for row in EVERY), f"{pattern} is of no row"
    keys = {row.key for row in EVERY}
    for key in (*UNCLOSABLE, *DROPPED_BY_ROUTER):
        assert f"closed early/{key}" in keys
    for key in CLOSED_BY_LOOP:
        assert f"half read and dropped/{key}" in keys
    for key in SWALLOWED:
        assert f"server error/{key}" in keys
    wanted = {
        (case.kind, way.name)
        for case in CASES
        for way in WAYS
        if way.stream is case.stream
        and set(way.twins) & set(case.twins)
        and (way.brief or case.stream or expected.KINDS[case.kind].billed)
    }
    has = {(row.case.kind, row.way.name) for row in ROWS}
    assert wanted - has == WITHOUT_ROW
