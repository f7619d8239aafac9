"""The Slack stand-in takes what an incoming webhook takes, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from stack.standins.slack import Slack


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack(webhooks=[Slack.webhook]) as stand_in:
        yield stand_in


@pytest.mark.parametrize(
    "message",
    [
        {"text": "hello"},
        {"attachments": [{"title": "Down", "text": "All of it", "color": "danger"}]},
        {"attachments": [{"fallback": "Down", "color": "#36a64f", "fields": []}]},
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}]},
    ],
)
def test_messages_are_accepted(slack: Slack, message: dict[str, Any]) -> None:
    answer = httpx.post(slack.webhook_url, json=message)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert slack.messages[0].body == message
    assert not slack.failures


def test_a_form_with_a_payload_is_accepted(slack: Slack) -> None:
    answer = httpx.post(slack.webhook_url, data={"payload": json.dumps({"text": "hello"})})
    assert answer.text == "ok"
    assert slack.messages[0].text == "hello"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": {"type": "mrkdwn"}}, "invalid_payload"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"attachments": "text"}, "invalid_attachments"),
        ({"attachments": [{"color": "red", "text": "x"}]}, "invalid_attachments"),
        ({"attachments": [{"color": "good"}]}, "missing_text_or_fallback_or_attachments"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"blocks": [{"type": "paragraph"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        (["text"], "invalid_payload"),
    ],
)
def test_refusals(slack: Slack, message: Any, error: str) -> None:
    answer = httpx.post(slack.webhook_url, json=message)
    assert (answer.status_code, answer.text) == (400, error)
    assert slack.failures[0].reason == error
    assert not slack.messages


def test_a_body_that_is_not_json(slack: Slack) -> None:
    answer = httpx.post(slack.webhook_url, content=b"text")
    assert (answer.status_code, answer.text) == (400, "invalid_payload")


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/services/1/2/3", 404, "no_service"),
        ("/services/T0LITELLM/B0ALERTS/zyxwvutsrqponmlkjihgfedc", 403, "invalid_token"),
    ],
)
def test_wrong_addresses(slack: Slack, path: str, status: int, error: str) -> None:
    answer = httpx.post(slack.url + path, json={"text": "hello"})
    assert (answer.status_code, answer.text) == (status, error)


def test_only_posts_are_taken(slack: Slack) -> None:
    assert httpx.get(slack.webhook_url).status_code == 405
