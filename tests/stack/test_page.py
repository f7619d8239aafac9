"""A provider that fails leads to one page and one message, and both are resolved."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from stack.demo.story import BROKEN_ACCOUNT, OUTAGE, PER_SECOND
from stack.site import Backends
from stack.standins.pagerduty import Event
from stack.standins.slack import Message
from stack.traffic import Steady
from stack.waiting import until
from stack.watched import Watched

PAGE_WITHIN = 90.0


def test_page_and_resolve(start_proxy: Callable[..., Watched], backends: Backends) -> None:
    site = start_proxy()
    service = site.arrived.service

    def events() -> list[Event]:
        found = backends.pagerduty.of_alert("LiteLLMHighErrorRate")
        opened = {event.dedup_key for event in found if f"{service}: " in event.summary}
        return [event for event in found if event.dedup_key in opened]

    def messages() -> list[Message]:
        found = backends.slack.of_alert("LiteLLMHighErrorRate")
        return [message for message in found if f"{service}:" in message.text]

    kind = replace(OUTAGE, name="watched")
    steady = Steady(site.proxy.url, site.proxy.gateway.master_key, kind, per_second=PER_SECOND)
    try:
        until(
            lambda: site.arrived.total("litellm_requests_total", status="success"),
            what="healthy traffic",
        )
        assert not events()
        backends.provider.switch(BROKEN_ACCOUNT, "unavailable")
        began = time.time()
        until(lambda: events() and messages(), what="the page", timeout=PAGE_WITHIN)
        backends.provider.switch(BROKEN_ACCOUNT, "ok")
        until(lambda: len(events()) >= 2 and len(messages()) >= 2, what="the resolve")
    finally:
        backends.provider.switch(BROKEN_ACCOUNT, "ok")
        steady.stop()

    trigger, resolve = events()
    assert trigger.at - began < PAGE_WITHIN
    assert (trigger.action, resolve.action) == ("trigger", "resolve")
    assert trigger.dedup_key == resolve.dedup_key
    assert trigger.routing_key in backends.pagerduty.routing_keys
    assert trigger.payload["severity"] == "critical"
    assert f"{service}: " in trigger.summary
    assert "% of LLM requests fail" in trigger.summary
    hrefs = [link["href"] for link in trigger.body["links"]]
    assert any(href.endswith("#litellmhigherrorrate") for href in hrefs)

    firing, resolved = messages()
    assert "CRITICAL" in firing.text
    assert "RESOLVED" in resolved.text
    assert not backends.pagerduty.failures
    assert not backends.slack.failures
