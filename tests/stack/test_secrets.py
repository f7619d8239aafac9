"""Strings planted in keys, headers, prompts and provider errors are nowhere in what was sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from stack import gateway
from stack.arrivals import servers
from stack.site import Backends
from stack.waiting import settled, until
from stack.watched import Watched


@dataclass(frozen=True)
class Planted:
    """What must not be found, each under the name of the place it was put into."""

    prompt: str
    echoed: str  # a prompt that the provider repeats in its error message, with the key
    system: str
    tool: str
    header: str
    cookie: str
    client_key: str
    query: str

    @classmethod
    def fresh(cls) -> Planted:
        return cls(*(f"planted{secrets.token_hex(12)}" for _ in range(8)))


def requests(planted: Planted, site: Watched) -> list[httpx.Response]:
    """One request of each kind that carries the strings."""
    headers = {"X-Auth-Token": planted.header, "Cookie": f"session={planted.cookie}"}
    messages = [
        {"role": "system", "content": planted.system},
        {"role": "user", "content": planted.prompt},
    ]
    echoed = [{"role": "user", "content": planted.echoed}]
    tools = [
        {"type": "function", "function": {"name": "look_up", "description": planted.tool}},
    ]
    chat = {"messages": messages, "max_tokens": 4}
    wanted = [
        ("/v1/chat/completions", {"model": gateway.CHAT, **chat, "tools": tools}),
        ("/v1/chat/completions", {"model": gateway.CHAT, **chat, "stream": True}),
        ("/v1/chat/completions", {"model": gateway.LEAKY, "messages": echoed}),
        ("/v1/chat/completions", {"model": gateway.BAD_KEY, **chat}),
        ("/v1/completions", {"model": gateway.TEXT, "prompt": planted.prompt}),
        ("/v1/embeddings", {"model": gateway.EMBEDDING, "input": planted.prompt}),
    ]
    answers = [
        site.proxy.request("POST", path, json=body, headers=headers) for path, body in wanted
    ]
    wrong_key = {**headers, "Authorization": f"Bearer sk-{planted.client_key}"}
    path = f"/v1/chat/completions?api_key={planted.query}"
    answers.append(site.proxy.request("POST", path, json=wanted[0][1], headers=wrong_key))
    return answers


KEYS = frozenset({"client_key", "master key", "provider key", "header", "cookie", "query"})


@pytest.mark.parametrize("level", ["", "DEBUG"], ids=["default", "debug"])
def test_nothing_planted_leaves(
    start_proxy: Callable[..., Watched], backends: Backends, level: str
) -> None:
    site = start_proxy(env={"LITELLM_LOG": level} if level else {})
    planted = Planted.fresh()
    answers = requests(planted, site)
    assert [answer.status_code for answer in answers] == [200, 200, 500, 401, 200, 200, 400]
    until(
        lambda: (
            len(servers(site.arrived.spans)) == len(answers)
            and len(site.arrived.records) == len(answers)
        ),
        what="all spans and records",
    )
    site.proxy.stop()  # what is still in it leaves now
    settled(
        lambda: (len(site.arrived.spans), len(site.arrived.logs)),
        what="no more arrivals",
        quiet_for=2.0,
    )

    known = site.proxy.gateway
    forbidden = {
        **vars(planted),
        "master key": known.master_key,
        "provider key": known.provider_key,
    }
    # What this project writes, spans and records, holds nothing of what was said at any level.
    assert not [record for record in site.arrived.records if planted.echoed in str(record)]
    assert not [span for span in site.arrived.spans if planted.echoed in str(span)]
    if level == "DEBUG":
        # At that level LiteLLM's own lines hold the conversation, and whoever asks for it gets it.
        forbidden = {place: text for place, text in forbidden.items() if place in KEYS}
    leaks = {place: where for place, text in forbidden.items() if (where := found(text, site))}
    assert not leaks
    assert not [place for place, text in forbidden.items() if backends.datadog.holding(text)]
    # The strings did go through: the provider got the prompt and the key.
    assert any(call.behaviour == "leaky-error" for call in backends.provider.calls)


def found(text: str, site: Watched) -> list[str]:
    """Where a string is in what was sent, with a little of what stands around it."""
    backends = site.arrived.backends
    sources = [
        *((f"span {span.name}", str(span)) for span in site.arrived.spans),
        *(
            (f"{log.severity} log of {log.scope} {log.event}", str(log))
            for log in site.arrived.logs
        ),
        ("Prometheus", json.dumps(backends.prometheus.series())),
        ("Loki", json.dumps([f"{line.text} {line.labels}" for line in site.arrived.loki_lines()])),
        ("PagerDuty", json.dumps(backends.pagerduty.state())),
        ("Slack", json.dumps(backends.slack.state())),
    ]
    return [
        f"{source}: …{content[max(0, at - 200) : at + 200]}…"
        for source, content in sources
        if (at := content.find(text)) >= 0
    ]
