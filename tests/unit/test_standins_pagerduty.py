"""The PagerDuty stand-in takes what the Events API v2 takes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from stack.standins.pagerduty import PagerDuty

KEY = "e93facc04764012d7bfb002500d5d1a6"


@pytest.fixture
def pagerduty() -> Iterator[PagerDuty]:
    with PagerDuty(routing_keys=[KEY]) as stand_in:
        yield stand_in


def event(**changes: Any) -> dict[str, Any]:
    payload = {"summary": "litellm: requests fail", "source": "litellm", "severity": "critical"}
    payload.update(changes.pop("payload", {}))
    body = {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "abc",
        "payload": payload,
        "links": [{"href": "https://example.com/runbook", "text": "Runbook"}],
    }
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


def test_trigger_and_resolve_are_accepted(pagerduty: PagerDuty) -> None:
    answer = httpx.post(pagerduty.enqueue_url, json=event())
    assert answer.status_code == 202
    assert answer.json() == {"status": "success", "message": "Event processed", "dedup_key": "abc"}
    resolve = {"routing_key": KEY, "event_action": "resolve", "dedup_key": "abc"}
    assert httpx.post(pagerduty.enqueue_url, json=resolve).status_code == 202
    assert [each.action for each in pagerduty.events] == ["trigger", "resolve"]
    assert not pagerduty.failures


def test_a_trigger_without_dedup_key_gets_one(pagerduty: PagerDuty) -> None:
    assert httpx.post(pagerduty.enqueue_url, json=event(dedup_key=None)).json()["dedup_key"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (event(routing_key=None), "'routing_key' is missing or blank"),
        (event(routing_key="short"), "Length of 'routing_key' is incorrect"),
        (event(routing_key="0" * 32), "Invalid routing key"),
        (event(event_action="page"), "'event_action' is invalid"),
        (event(event_action="resolve", dedup_key=None), "'dedup_key' is missing or blank"),
        (event(dedup_key="x" * 256), "'dedup_key' is invalid"),
        (event(payload={"summary": ""}), "'payload.summary' is missing or blank"),
        (event(payload={"summary": "x" * 1025}), "'payload.summary' is too long"),
        (event(payload={"source": None}), "'payload.source' is missing or blank"),
        (event(payload={"severity": "page"}), "'payload.severity' is invalid (must be one of"),
        (event(payload={"custom_details": "text"}), "'payload.custom_details' is invalid"),
        (event(links=[{"text": "no address"}]), "'links[0].href' is invalid"),
        (event(images=[{"src": "http://example.com/x.png"}]), "'images[0].src' is invalid"),
        (event(client_url="alertmanager"), "'client_url' is invalid"),
    ],
)
def test_refusals(pagerduty: PagerDuty, body: dict[str, Any], error: str) -> None:
    answer = httpx.post(pagerduty.enqueue_url, json=body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "invalid event"
    assert answer.json()["message"] == "Event object is invalid"
    assert error in answer.json()["errors"][0]
    assert error in pagerduty.failures[0].reason
    assert not pagerduty.events


def test_a_body_that_is_not_json(pagerduty: PagerDuty) -> None:
    answer = httpx.post(pagerduty.enqueue_url, content=b"{")
    assert answer.status_code == 400
    assert answer.json()["status"] == "Unrecognized object"


def test_an_event_over_512_kilobytes(pagerduty: PagerDuty) -> None:
    body = event(payload={"custom_details": {"text": "x" * 600_000}})
    assert httpx.post(pagerduty.enqueue_url, json=body).status_code == 413


def test_events_of_an_alert_include_the_resolve(pagerduty: PagerDuty) -> None:
    httpx.post(pagerduty.enqueue_url, json=event(payload={"class": "LiteLLMDown"}))
    httpx.post(pagerduty.enqueue_url, json=event(dedup_key="other"))
    resolve = {"routing_key": KEY, "event_action": "resolve", "dedup_key": "abc"}
    httpx.post(pagerduty.enqueue_url, json=resolve)
    assert [each.action for each in pagerduty.of_alert("LiteLLMDown")] == ["trigger", "resolve"]


def test_the_view_for_people(pagerduty: PagerDuty) -> None:
    httpx.post(pagerduty.enqueue_url, json=event())
    httpx.post(pagerduty.enqueue_url, json={})
    state = httpx.get(f"{pagerduty.url}/_standin/state").json()
    assert state["events"][0]["dedup_key"] == "abc"
    assert httpx.get(f"{pagerduty.url}/_standin/failures").json()[0]["path"] == "/v2/enqueue"
    httpx.post(f"{pagerduty.url}/_standin/forget")
    assert httpx.get(f"{pagerduty.url}/_standin/state").json() == {"events": []}
