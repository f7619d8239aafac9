"""The provider stand-in speaks OpenAI's API and misbehaves as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from stack.standins.behaviour import named
from stack.standins.provider import Provider
from stack.waiting import until

AUTHORIZED = {"Authorization": "Bearer sk-test"}
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with Provider() as stand_in:
        yield stand_in


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.forget()
    running.failures.clear()
    return running


def ask(provider: Provider, path: str = "chat/completions", **body: Any) -> httpx.Response:
    if path == "chat/completions":
        body = {"model": "gpt-4o", "messages": HELLO, **body}
    address = f"{provider.base_url('north')}/{path}"
    return httpx.post(address, json=body, headers=AUTHORIZED, timeout=60)


def events(text: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_whole_answer(provider: Provider) -> None:
    answer = ask(provider, max_tokens=3)
    assert answer.status_code == 200
    body = answer.json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "word0 word1 word2 "
    assert body["usage"]["completion_tokens"] == 3
    assert answer.headers["x-ratelimit-remaining-requests"] == "499"
    assert provider.calls[0].account == "north"
    assert provider.calls[0].ending == "answered"


def test_a_stream_ends_with_usage_if_asked(provider: Provider) -> None:
    with_usage = events(
        ask(provider, stream=True, max_tokens=3, stream_options={"include_usage": True}).text
    )
    assert [len(each["choices"]) for each in with_usage] == [1, 1, 1, 1, 0]
    assert with_usage[3]["choices"][0]["finish_reason"] == "stop"
    assert with_usage[4]["usage"]["completion_tokens"] == 3
    assert len(events(ask(provider, stream=True, max_tokens=3).text)) == 4


def test_text_completions_embeddings_and_responses(provider: Provider) -> None:
    text = ask(provider, "completions", model="gpt-3.5-turbo-instruct", prompt="hi").json()
    assert text["choices"][0]["text"].startswith("word0")
    vectors = ask(provider, "embeddings", model="embed", input=["a", "b"]).json()
    assert [each["index"] for each in vectors["data"]] == [0, 1]
    response = ask(provider, "responses", model="gpt-4o", input="hi").json()
    assert response["output"][0]["content"][0]["text"].startswith("word0")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_malformed_requests_are_refused(
    provider: Provider, body: dict[str, Any], param: str
) -> None:
    answer = ask(provider, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param
    assert provider.failures


def test_a_key_is_needed(provider: Provider) -> None:
    body = {"model": "gpt-4o", "messages": HELLO}
    assert httpx.post(f"{provider.base_url()}/chat/completions", json=body).status_code == 401


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        ("server-error", 500, None),
        ("unavailable", 503, None),
        ("rate-limit", 429, "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota"),
        ("bad-key", 401, "invalid_api_key"),
        ("no-such-behaviour", 404, "model_not_found"),
    ],
)
def test_errors_by_model_name(
    provider: Provider, behaviour: str, status: int, code: str | None
) -> None:
    answer = ask(provider, model=f"gpt-4o@{behaviour}")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert (answer.headers.get("Retry-After") == "1") == (behaviour == "rate-limit")


def test_only_the_first_requests_of_a_key_misbehave(provider: Provider) -> None:
    def status(prompt: str) -> int:
        messages = [{"role": "user", "content": prompt}]
        return ask(provider, model="gpt-4o@rate-limit-first-2", messages=messages).status_code

    assert [status("a"), status("a"), status("b"), status("a"), status("b"), status("b")] == [
        429,
        429,
        429,
        200,
        429,
        200,
    ]


def test_an_account_is_switched_and_healed(provider: Provider) -> None:
    switch = f"{provider.url}/_standin/accounts/north"
    assert httpx.post(switch, json={"behaviour": "unavailable"}).is_success
    assert ask(provider).status_code == 503
    assert httpx.post(switch, json={"behaviour": "ok"}).is_success
    assert ask(provider).status_code == 200
    assert httpx.post(switch, json={"behaviour": "nonsense"}).status_code == 400


def test_a_stream_is_cut(provider: Provider) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(provider, model="gpt-4o@broken-stream-after-2", stream=True)
    assert (provider.calls[0].chunks, provider.calls[0].ending) == (2, "cut")


def test_a_client_that_leaves_is_noticed(provider: Provider) -> None:
    body = {"model": "gpt-4o@slow-100ms", "messages": HELLO, "stream": True, "max_tokens": 100}
    address = f"{provider.base_url()}/chat/completions"
    with httpx.stream("POST", address, json=body, headers=AUTHORIZED) as answer:
        next(answer.iter_lines())
    until(lambda: provider.calls[0].ending == "gone", what="the client's leaving", timeout=30)
    assert provider.calls[0].chunks < 10


def test_what_is_held_is_answered_when_it_is_let_go(provider: Provider) -> None:
    trace, answers = "c" * 32, list[int]()

    def ask_within_the_trace() -> None:
        headers = {**AUTHORIZED, "traceparent": f"00-{trace}-{'d' * 16}-01"}
        address = f"{provider.base_url()}/chat/completions"
        body = {"model": "gpt-4o", "messages": HELLO}
        answers.append(httpx.post(address, json=body, headers=headers, timeout=60).status_code)

    provider.hold(trace)
    asking = threading.Thread(target=ask_within_the_trace)
    asking.start()
    until(lambda: provider.has_met(trace), what="the request", timeout=30)
    assert ask(provider).status_code == 200, "others are answered meanwhile"
    assert not answers
    provider.let_go(trace)
    asking.join()
    assert answers == [200]


def test_a_slow_stream_is_slow(provider: Provider) -> None:
    started = time.monotonic()
    ask(provider, model="gpt-4o@slow-50ms", stream=True, max_tokens=4)
    assert time.monotonic() - started >= 0.3


def test_the_traceparent_is_kept(provider: Provider) -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    body = {"model": "gpt-4o", "messages": HELLO}
    headers = {**AUTHORIZED, "traceparent": traceparent}
    httpx.post(f"{provider.base_url()}/chat/completions", json=body, headers=headers)
    assert provider.calls[0].traceparent == traceparent


def test_behaviours_with_options() -> None:
    behaviour = named("slow-250ms")
    assert (behaviour.delay, behaviour.chunk_delay) == (0.25, 0.25)
    assert (named("slow-250ms-after-4").delay, named("slow-250ms-after-4").slow_after) == (0.0, 4)
    assert named("broken-stream-after-7").break_after == 7
    assert named("server-error-first-3").first == 3
    with pytest.raises(KeyError, match="unknown behaviour 'nonsense'; known: bad-key"):
        named("nonsense")
