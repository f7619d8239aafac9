"""Strings planted in keys, headers, prompts and provider errors are nowhere in what was sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from stack import gateway
from stack.arrivals import servers
from stack.site import Backends
from stack.waiting import settled, until
from stack.watched import Watched


@dataclass(frozen=True)
class Planted:
    """What must not be found, each under the name of the place it was put into."""

    prompt: str
    system: str
    tool: str
    header: str
    cookie: str
    client_key: str
    query: str

    @classmethod
    def fresh(cls) -> Planted:
        return cls(*(f"planted{secrets.token_hex(12)}" for _ in range(7)))


def requests(planted: Planted, site: Watched) -> list[httpx.Response]:
    """One request of each kind that carries the strings."""
    headers = {"X-Secret-Header": planted.header, "Cookie": f"session={planted.cookie}"}
    messages = [
        {"role": "system", "content": planted.system},
        {"role": "user", "content": planted.prompt},
    ]
    tools = [
        {"type": "function", "function": {"name": "look_up", "description": planted.tool}},
    ]
    chat = {"messages": messages, "max_tokens": 4}
    wanted = [
        ("/v1/chat/completions", {"model": gateway.CHAT, **chat, "tools": tools}),
        ("/v1/chat/completions", {"model": gateway.CHAT, **chat, "stream": True}),
        ("/v1/chat/completions", {"model": gateway.LEAKY, **chat}),
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


def test_nothing_planted_leaves(start_proxy: Callable[..., Watched], backends: Backends) -> None:
    site = start_proxy(env={"LITELLM_LOG": "DEBUG"})
    planted = Planted.fresh()
    answers = requests(planted, site)
    assert [answer.status_code for answer in answers] == [200, 200, 500, 401, 200, 200, 400]
    until(
        lambda: (
            len(servers(site.arrived.spans)) == len(answers)
            and len(site.arrived.records) == len(answers)
        ),
        what="all spans and records",
        timeout=20.0,
    )
    settled(
        lambda: len(backends.datadog.bodies), what="no more arrivals", quiet_for=2.0, timeout=30.0
    )

    known = site.proxy.gateway
    forbidden = {
        **vars(planted),
        "master key": known.master_key,
        "provider key": known.provider_key,
    }
    stored = "\n".join(
        [
            json.dumps(backends.prometheus.series()),
            json.dumps([line.text + str(line.labels) for line in site.arrived.loki_lines()]),
            json.dumps(backends.pagerduty.state()),
            json.dumps(backends.slack.state()),
        ]
    )
    for place, text in forbidden.items():
        assert not backends.datadog.holding(text), place
        assert text not in stored, place
    # The strings did go through: the provider got the prompt and the key.
    assert any(call.behaviour == "leaky-error" for call in backends.provider.calls)
