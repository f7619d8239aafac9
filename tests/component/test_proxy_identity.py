"""Who asked: on the server span, on each attempt and in the record; and the trace told to whoever asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stack.standins.provider import Provider
from tests.component.gateway import ADA, CHAT, Asked, Gateway, running_gateway
from tests.component.otlp_sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.component.otlp_sink import Item

BAGGAGE = (
    "tenant=acme%20inc,secret-name=must-not-travel,session.id=s-1,user.email=ada%40example.com"
)
KEY_HASH = "b1e9c89c07a448139f59b00f2aaa3e5518ab8348331fa324e507ef429907d53a"
KEY = {
    "litellm.key.hash": KEY_HASH,
    "litellm.key.alias": "ada",
    "litellm.team.id": "team-7",
    "litellm.team.alias": "analysts",
    "user.id": "user-ada",
    "litellm.organization.id": "org-1",
    "litellm.organization.alias": "acme",
}
SAID = {
    "litellm.end_user.id": "customer-9",
    "gen_ai.conversation.id": "session-4",
    "litellm.tags": ["blue", "green"],
    "litellm.baggage.tenant": "acme inc",
    "litellm.baggage.session.id": "s-1",
}
BODY = {
    "model": "whole",
    "messages": [{"role": "user", "content": "Who am I?"}],
    "user": "customer-9",
    "litellm_session_id": "session-4",
    "metadata": {"tags": ["blue", "green"]},
}
HEADERS = {"baggage": BAGGAGE, "x-litellm-call-id": "call-of-the-client"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    sink = Sink().start()
    with (
        Provider() as provider,
        running_gateway(
            tmp_path_factory.mktemp("gateway"),
            provider,
            sink,
            LITELLM_OTEL_BAGGAGE_KEYS="tenant,session.id,absent",
        ) as started,
    ):
        yield started
    sink.stop()


def ask(gateway: Gateway, key: str = ADA, **body: Any) -> tuple[Asked, Item, list[Item], Item]:
    """The request, its server span, its attempts and its record."""
    asked = gateway.ask(CHAT, json.dumps({**BODY, **body}).encode(), key, headers=HEADERS)
    assert gateway.sink.wait_for(lambda: gateway.records_of(asked.trace))
    (record,) = gateway.records_of(asked.trace)

    def servers() -> list[Item]:
        return [span for span in gateway.spans_of(asked.trace) if span.data.kind == 2]

    def attempts() -> list[Item]:
        return [
            span
            for span in gateway.spans_of(asked.trace)
            if span.scope == "litellm_otel" and not span.data.name.startswith("route ")
        ]

    made = record.attributes["litellm.attempts"]
    assert gateway.sink.wait_for(lambda: servers() and len(attempts()) == made)
    return asked, servers()[0], attempts(), record


def said_by(item: Item, names: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.attributes.items() if name in names}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["whole", "server-error"])
def test_everything_is_known_of_who_asked(gateway: Gateway, model: str, stream: bool) -> None:
    asked, server, attempts, record = ask(gateway, model=model, stream=stream)
    wanted = KEY | SAID
    assert len(attempts) == 1
    for item in (server, *attempts, record):
        assert said_by(item, wanted) == wanted
        assert item.attributes["litellm.call.id"] == asked.headers["x-litellm-call-id"]
    assert server.attributes["litellm.model_group"] == model


@pytest.mark.parametrize(
    ("body", "status"), [({"guardrails": ["before"]}, 400), ({"model": "no-such-model"}, 400)]
)
def test_who_was_refused_after_authentication(
    gateway: Gateway, body: dict[str, Any], status: int
) -> None:
    asked, server, attempts, record = ask(gateway, **body)
    assert (asked.status, attempts) == (status, [])
    wanted = KEY | SAID
    for item in (server, record):
        assert said_by(item, wanted) == wanted
        assert item.attributes["litellm.call.id"] == asked.headers["x-litellm-call-id"]


def test_who_was_refused_by_authentication(gateway: Gateway) -> None:
    """Of a key that is none there is its hash; the rest is what the request says of itself."""
    asked, server, attempts, record = ask(gateway, "sk-nobody-0123456789abcdef")
    assert (asked.status, attempts) == (401, [])
    for item in (server, record):
        assert said_by(item, SAID) == SAID
        assert len(item.attributes["litellm.key.hash"]) == 64
        assert item.attributes.get("litellm.key.alias") is None


def test_the_clients_trace_goes_on_and_comes_back(gateway: Gateway) -> None:
    asked, server, attempts, _ = ask(gateway)
    assert server.data.trace_id.hex() == asked.trace
    assert server.data.parent_span_id.hex() == asked.span
    told = asked.headers["traceresponse"].split("-")
    assert told[:3] == ["00", asked.trace, server.data.span_id.hex()]
    assert "traceresponse" in asked.headers["access-control-expose-headers"].lower()
    seen = gateway.provider.calls[-1].traceparent
    assert seen is not None
    assert seen.split("-")[1] == attempts[0].data.trace_id.hex() == asked.trace


def test_baggage_is_neither_told_unasked_nor_sent_on(gateway: Gateway) -> None:
    before = len(gateway.provider.calls)
    _, server, attempts, record = ask(gateway)
    for item in (server, *attempts, record):
        assert "must-not-travel" not in str(item.data)
        assert "ada@example.com" not in str(item.data)
    (call,) = gateway.provider.calls[before:]
    assert call.baggage is None
