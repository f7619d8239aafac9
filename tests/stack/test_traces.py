"""Single traces: attempts in order below their route, and streams that clients break off."""

from __future__ import annotations

import itertools

import pytest

from stack.arrivals import (
    attempts,
    http_calls,
    identities,
    orphans,
    provider_calls,
    routes,
    servers,
)
from stack.demo.tree import rows
from stack.site import Backends
from stack.standins.otlp_records import Span
from stack.traffic import Exchange, Kind, kinds
from stack.waiting import settled, until
from stack.watched import Watched

ENDS_WITHIN = 50.0
"""Seconds after the client closed the connection: to the end of its stream it would take eighty."""


def trace_of(site: Watched, kind: Kind) -> tuple[Exchange, list[Span]]:
    """Sends one request of a kind, and returns all spans of its trace."""
    (exchange,) = site.send({kind: 1}, traced=True)
    assert exchange.as_expected, exchange

    def spans() -> list[Span]:
        return site.arrived.backends.datadog.trace(exchange.trace_id)

    # Of the proxy and its Router, of each attempt and its HTTP request.
    wanted = 2 + 2 * kind.attempts
    until(lambda: len(spans()) >= wanted, what="the whole trace")
    settled(lambda: len(spans()), what="no more spans", quiet_for=0.5)
    return exchange, spans()


def test_two_failures_and_a_fallback(shared: Watched, backends: Backends) -> None:
    before = len(backends.provider.calls)
    exchange, spans = trace_of(shared, kinds.FALLING_BACK)
    calls = backends.provider.calls[before:]

    assert [(row.depth, row.span.kind, row.span.name) for row in rows(spans)] == [
        (0, "SERVER", "POST /v1/chat/completions"),
        (1, "INTERNAL", "route chat-with-fallback"),
        (2, "CLIENT", "chat gpt-4o@unavailable"),
        (3, "CLIENT", "POST"),
        (2, "CLIENT", "chat gpt-4o@unavailable"),
        (3, "CLIENT", "POST"),
        (2, "CLIENT", "chat gpt-4o-mini"),
        (3, "CLIENT", "POST"),
    ]
    assert len(identities(spans)) == len(spans) == 8
    assert not orphans(spans)

    tried = attempts(spans)
    assert [span.attributes.get("error.type") for span in tried] == [
        "ServiceUnavailableError",
        "ServiceUnavailableError",
        None,
    ]
    assert [span.status for span in tried] == ["ERROR", "ERROR", "UNSET"]
    assert [span.attributes["litellm.attempt.number"] for span in tried] == [1, 2, 3]
    assert [span.attributes["litellm.retry.number"] for span in tried] == [0, 1, 0]
    assert tried[2].attributes["litellm.fallback.from"] == "chat-with-fallback"
    assert tried[2].attributes["gen_ai.usage.output_tokens"] == exchange.completion_tokens
    for earlier, later in itertools.pairwise(tried):
        assert earlier.end <= later.start

    # The provider got each attempt's own HTTP span as its caller's.
    above = {span.span_id: span.parent_id for span in http_calls(spans)}
    sent = [(call.traceparent or "").split("-") for call in calls]
    assert [parts[1] for parts in sent] == [exchange.trace_id] * 3
    assert [above[parts[2]] for parts in sent] == [span.span_id for span in tried]


@pytest.mark.parametrize(
    "kind",
    [kinds.WHOLE, kinds.STREAMED, kinds.TEXT, kinds.TEXT_STREAMED, kinds.EMBEDDING],
    ids=lambda kind: kind.name,
)
def test_the_http_span_is_below_the_attempt(shared: Watched, kind: Kind) -> None:
    _, spans = trace_of(shared, kind)
    (attempt,), (call,) = attempts(spans), provider_calls(spans)
    assert call.parent_id == attempt.span_id


def test_the_whole_trace_lies_within_the_server_span(shared: Watched) -> None:
    _, spans = trace_of(shared, kinds.STREAMED)
    (server,), (route,), (attempt,) = servers(spans), routes(spans), attempts(spans)
    tolerance = 0.005  # clocks of coroutines that end in the same turn of the loop
    for span in (route, attempt):
        assert server.start <= span.start <= span.end <= server.end + tolerance
    assert attempt.attributes["gen_ai.usage.output_tokens"] == kinds.STREAMED.tokens
    assert attempt.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert 0 < attempt.attributes["gen_ai.response.time_to_first_chunk"] < attempt.duration


def test_a_stream_that_the_client_breaks_off(shared: Watched, backends: Backends) -> None:
    before = len(backends.provider.calls)
    exchange, spans = trace_of(shared, kinds.BROKEN_OFF)
    (server,), (route,), (attempt,) = servers(spans), routes(spans), attempts(spans)
    for span in (attempt, route, server):
        assert exchange.started < span.end < exchange.ended + ENDS_WITHIN, span.name
        assert span.attributes["litellm.outcome"] == "client_disconnected", span.name
    leave_after = kinds.BROKEN_OFF.leave_after
    assert leave_after is not None
    assert attempt.attributes["gen_ai.usage.output_tokens"] >= leave_after
    assert attempt.attributes["gen_ai.usage.output_tokens"] < kinds.BROKEN_OFF.tokens
    assert attempt.attributes["gen_ai.response.finish_reasons"] == ["error"]
    # The provider was hung up on too, instead of being read to the end.
    (call,) = backends.provider.calls[before:]
    until(lambda: call.ending == "gone", what="the provider's connection closed")
    assert call.chunks < kinds.BROKEN_OFF.tokens
