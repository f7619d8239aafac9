"""Each entry point, in each twin, whole and streamed: the exact spans, counts and record of a good call."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from litellm_otel import catalogue
from litellm_otel.reading.call_kinds import CALL_KINDS
from tests.component.calls import calling, expected
from tests.component.calls.case import KEY, MESSAGES, SECRET, Case, Twin
from tests.component.calls.cases import CASES, ROWS_WITHOUT_CASE, WITHOUT_CASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

Labels = frozenset[tuple[str, Any]]

CALLS = [pytest.param(case, twin, id=f"{case.id}-{twin}") for case in CASES for twin in case.twins]
ROUTED = [
    pytest.param(case, twin, id=f"{case.id}-{twin}") for case in CASES for twin in case.routed
]


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def check_attempt(span: ReadableSpan, case: Case, told: dict[str, Any]) -> None:
    assert span.name == expected.span_name(case, told.get("gen_ai.request.model", ""))
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert not span.events
    given = attributes_of(span)
    costs = {name: given.pop(name) for name in expected.ABOUT_COST & given.keys()}
    if case.stream:
        given, told = expected.without_nothing(given), expected.without_nothing(told)
    assert expected.differences(given, told) == {}
    assert all(type(cost) is float for cost in costs.values())
    if case.costs:
        assert costs.get("litellm.cost", 0) > 0
    else:
        assert not any(costs.values())


def check_route(route: ReadableSpan, span: ReadableSpan) -> None:
    assert (route.name, route.kind) == ("route group", SpanKind.INTERNAL)
    assert route.status.status_code is StatusCode.UNSET
    assert attributes_of(route) == {
        "litellm.model_group": "group",
        "litellm.routing.strategy": "simple-shuffle",
        "litellm.attempts": 1,
        "litellm.retries": 0,
        "litellm.fallbacks": 0,
        "litellm.outcome": "completed",
    }
    assert span.parent is not None
    assert span.parent.span_id == route.context.span_id


def check_requests(recorded: Recorded, requested: str, case: Case) -> None:
    labels = {"model": requested, "provider": case.provider, "status": "success"}
    assert recorded.increments("litellm.requests") == {frozenset(labels.items()): 1}
    assert recorded.increments("litellm.request.latency") == {frozenset(labels.items()): 1}
    assert recorded.increments("litellm.provider.errors") == {}


def check_attempts_metrics(recorded: Recorded, span: ReadableSpan, case: Case) -> None:
    """Each metric of the attempt: one point with exactly the labels that the span has too."""
    given = attributes_of(span)

    def of_the_span(metric: catalogue.Metric, **more: str) -> Labels:
        labels = {name: given[name] for name in metric.attributes if name in given}
        return frozenset({**labels, **more}.items())

    duration = catalogue.OPERATION_DURATION
    assert recorded.increments(duration.name) == {of_the_span(duration): 1}
    whole = catalogue.RESPONSE_DURATION
    assert recorded.increments(whole.name) == {of_the_span(whole): 1}
    cost = catalogue.COST
    paid = {of_the_span(cost): 1} if given.get("litellm.cost") else {}
    assert recorded.increments(cost.name) == paid
    first = (catalogue.TIME_TO_FIRST_CHUNK, catalogue.TIME_TO_FIRST_TOKEN_SEEN)
    for metric in (*first, catalogue.TIME_PER_OUTPUT_CHUNK):
        several = metric in first or given.get("litellm.stream.chunks") != 1
        points = {of_the_span(metric): 1} if case.stream and several else {}
        assert recorded.increments(metric.name) == points
    assert sum(recorded.increments(catalogue.TIME_TO_FIRST_TOKEN.name).values()) == case.stream

    billed = expected.KINDS[case.kind].billed
    tokens = catalogue.TOKEN_USAGE
    counted = {
        of_the_span(tokens, **{"gen_ai.token.type": kind}): 1
        for kind in ("input", "output")
        if billed and f"gen_ai.usage.{kind}_tokens" in given
    }
    assert recorded.increments(tokens.name) == counted
    for metric, attribute in (
        (catalogue.INPUT_TOKENS, "gen_ai.usage.input_tokens"),
        (catalogue.OUTPUT_TOKENS, "gen_ai.usage.output_tokens"),
    ):
        total = given.get(attribute, 0) if billed else 0
        assert sum(recorded.increments(metric.name).values()) == total
    spent = sum(recorded.increments(catalogue.SPEND.name).values())
    assert spent == pytest.approx(given.get("litellm.cost", 0.0))


def check_record(recorded: Recorded, root: ReadableSpan, case: Case, group: str | None) -> None:
    (record,) = recorded.requests()
    given = dict(record.attributes)
    assert record.trace_id == root.context.trace_id
    assert record.severity_text == "INFO"
    told: dict[str, Any] = {
        "event.name": "litellm.request",
        "litellm.outcome": "completed",
        "litellm.status": "success",
        "litellm.duration": float,
        "litellm.attempts": 1,
        "litellm.retries": 0,
        "litellm.fallbacks": 0,
        "gen_ai.operation.name": expected.operation(case),
        "gen_ai.provider.name": expected.gen_ai_provider(case),
        "litellm.provider": case.provider,
    }
    if case.decorated:
        told["litellm.call.id"] = str
    if group:
        told["litellm.model_group"] = group
    assert expected.differences({name: given.get(name) for name in told}, told) == {}


def check_nothing_secret(recorded: Recorded) -> None:
    everything = recorded.everything()
    assert SECRET not in everything
    assert KEY not in everything


async def settled(recorded: Recorded) -> list[ReadableSpan]:
    return await asyncio.to_thread(recorded.spans)


@pytest.mark.usefixtures("account_awaited")
@pytest.mark.parametrize(("case", "twin"), CALLS)
async def test_sdk(recorded: Recorded, provider: Provider, case: Case, twin: Twin) -> None:
    await calling.through_sdk(case, twin, provider)

    span, *within = await settled(recorded)
    assert span.parent is None
    check_attempt(span, case, expected.attributes(case, twin, provider))
    assert [inner.name for inner in within] == list(case.within)
    for inner in within:
        assert inner.parent is not None
        assert inner.parent.span_id == span.context.span_id
    if case.delegates:
        taken = (attributes_of(inner).get("gen_ai.usage.input_tokens", 0) for inner in within)
        assert sum(taken) == attributes_of(span)["gen_ai.usage.input_tokens"]
    named_so = case.named_by == "model"
    requested = f"{case.provider}/{case.model}" if named_so else expected.model(case)
    check_requests(recorded, requested or "other", case)
    if not within:
        check_attempts_metrics(recorded, span, case)
    check_record(recorded, span, case, requested or None)
    check_nothing_secret(recorded)


@pytest.mark.usefixtures("account_awaited")
@pytest.mark.parametrize(("case", "twin"), ROUTED)
async def test_router(recorded: Recorded, provider: Provider, case: Case, twin: Twin) -> None:
    await calling.through_router(case, twin, provider)

    *routes, span = await settled(recorded)
    told = expected.attributes(case, twin, provider)
    if case.named_by != "search_provider":
        told["gen_ai.request.model"] = case.model or calling.MODEL_OF_NONE
        told["litellm.deployment.id"] = calling.DEPLOYMENT
    root, requested = span, "group"
    if twin in case.handed_on:
        assert not routes
        requested = f"{case.provider}/{told['gen_ai.request.model']}"
        if "litellm.deployment.id" not in attributes_of(span):
            del told["litellm.deployment.id"]  # of some, LiteLLM does not say it
    else:
        (root,) = routes
        check_route(root, span)
        told["litellm.model_group"] = "group"
    assert root.parent is None
    check_attempt(span, case, told)
    check_requests(recorded, requested, case)
    check_attempts_metrics(recorded, span, case)
    check_record(recorded, root, case, requested)
    check_nothing_secret(recorded)


# -- that nothing is left out -----------------------------------------------------------------


def _decorated() -> Iterator[FunctionType]:
    """LiteLLM's functions that its decorator has seen: whatever carries the layers we put around it."""
    from litellm.utils import client

    def whole() -> None: ...
    async def asynchronous() -> None: ...

    layers = {client(whole).__code__, client(asynchronous).__code__}
    for found in gc.get_objects():
        if isinstance(found, FunctionType) and found.__code__ in layers:
            original = inspect.unwrap(found)
            if original.__module__.startswith("litellm."):
                yield original


def _name(function: Any) -> str:
    return f"{function.__module__}:{function.__name__}"


def test_every_entry_point_has_a_case(instrumented: Recorded) -> None:
    cases = {id(inspect.unwrap(case.entry_point(twin))) for case in CASES for twin in case.twins}
    seen = {id(function): function for function in _decorated()}
    assert len(seen) > 150
    without = {_name(function) for key, function in seen.items() if key not in cases}
    modules = {name for name in WITHOUT_CASE if name.endswith(":")}
    without = {next((m for m in modules if name.startswith(m)), name) for name in without}
    assert without - set(WITHOUT_CASE) == set()
    imported = {name for name in WITHOUT_CASE if name.partition(":")[0] in sys.modules}
    assert imported - without == set(), "exceptions that are none any more"


def test_every_row_of_the_table_has_a_case() -> None:
    rows = {key for kind in CALL_KINDS for key in kind.operations}
    without = rows - {expected.row_key(case) for case in CASES}
    assert without - set(ROWS_WITHOUT_CASE) == set()
    assert set(ROWS_WITHOUT_CASE) - without == set(), "exceptions that are none any more"


# -- what is not known by name ----------------------------------------------------------------


@pytest.mark.parametrize("twin", ["sync", "async"])
async def test_a_function_that_nobody_knows(
    recorded: Recorded, provider: Provider, twin: Twin
) -> None:
    """One that a later LiteLLM may have: it still gets a span, its counts and its record."""
    utils = importlib.import_module("litellm.utils")

    def contemplate(model: str, messages: list[Any], **_: Any) -> dict[str, Any]:
        return {"id": "thought-1", "model": model, "usage": {"input_tokens": 3, "output_tokens": 2}}

    async def acontemplate(model: str, messages: list[Any], **_: Any) -> dict[str, Any]:
        return contemplate(model, messages)

    given: dict[str, Any] = {
        "model": "openai/gpt-4o",
        "messages": MESSAGES,
        "api_base": provider.base_url(),
        "api_key": KEY,
        "temperature": 0.5,
    }
    if twin == "sync":
        await asyncio.to_thread(utils.client(contemplate), **given)
    else:
        await utils.client(acontemplate)(**given)

    (span,) = await settled(recorded)
    name = "contemplate" if twin == "sync" else "acontemplate"
    assert (span.name, span.kind) == (f"{name} gpt-4o", SpanKind.CLIENT)
    assert span.parent is None
    given = {
        name: value
        for name, value in attributes_of(span).items()
        if name not in expected.ABOUT_COST
    }
    assert (
        expected.differences(
            given,
            {
                "gen_ai.operation.name": name,
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.response.id": "thought-1",
                "gen_ai.response.model": "openai/gpt-4o",
                "gen_ai.usage.input_tokens": 3,
                "gen_ai.usage.output_tokens": 2,
                "litellm.provider": "openai",
                "litellm.call.type": name,
                "litellm.call.id": str,
                "litellm.attempt.number": 1,
                "litellm.retry.number": 0,
                "litellm.fallback.number": 0,
                "litellm.outcome": "completed",
                "server.address": "127.0.0.1",
                "server.port": provider.port,
            },
        )
        == {}
    )
    labels = {"model": "openai/gpt-4o", "provider": "openai", "status": "success"}
    assert recorded.increments("litellm.requests") == {frozenset(labels.items()): 1}
    assert len(recorded.requests()) == 1
    check_nothing_secret(recorded)
