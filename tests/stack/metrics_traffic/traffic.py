"""What is asked of the proxy, and what its clients saw of it, from which each metric's value is computed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

from stack.components import Proxy
from stack.gateway import PRICES
from stack.ports import free_port
from stack.waiting import until
from tests.stack.metrics_traffic.site import ACCOUNT, ADMITTED, QUEUED

CHAT = "/v1/chat/completions"
CUSTOMER = "customer-1"
IMAGES, SECONDS_OF_VIDEO, TOOL_CALLS = 2, 4, 2
USER_AGENT = "metrics-check/1"
JOBS = (
    "cleans_up",
    "checks_spend",
    "resets_budgets",
    "queues_spend",
    "holds_locks",
    "reads_books",
    "tells_its_callback",
)
EVENTS = (
    "batch_write_to_db",
    "self",
    "router",
    "auth",
    "proxy_pre_call",
    "anthropic_wif_cache",
    "redis_daily_org_spend_update_queue",
    "redis_daily_team_spend_update_queue",
    "redis_daily_tag_spend_update_queue",
    "redis_window_spend_update_queue",
)
"""Services of which something is told by LiteLLM's events alone: their failures, and all of the first."""


def key_of(alias: str) -> str:
    return f"sk-{alias}-0123456789abcdef"


@dataclass(frozen=True)
class Asked:
    """One request and its answer."""

    alias: str
    path: str
    model: str
    status: int
    stream: bool
    usage: Mapping[str, Any]
    answer_id: str
    """Given by the provider, and again by LiteLLM's cache."""

    @property
    def cost(self) -> float:
        """Every deployment that has a price has the same."""
        return (
            self.usage["prompt_tokens"] * PRICES["input_cost_per_token"]
            + self.usage["completion_tokens"] * PRICES["output_cost_per_token"]
        )


@dataclass
class Traffic:
    """Everything that was asked, in its order."""

    asked: list[Asked] = field(default_factory=list[Asked])
    driven: dict[str, Any] = field(default_factory=dict[str, Any])
    """What was done in the proxy's process, and what it said of it."""
    by_operator: int = 0
    """Requests with the master key, which LiteLLM itself authenticates."""
    api_base: str = ""
    elapsed: float = 0.0
    counted_before: Mapping[str, float] = field(default_factory=dict[str, float])
    counted_after: Mapping[str, float] = field(default_factory=dict[str, float])
    """LiteLLM's own counts of its services."""

    def of(self, model: str, alias: str = "ada", path: str = "") -> list[Asked]:
        return [
            asked
            for asked in self.asked
            if asked.model == model and asked.alias == alias and path in asked.path
        ]

    def count(self, model: str, alias: str = "ada", *, status: int | None = None) -> int:
        found = self.of(model, alias)
        return sum(status in (None, asked.status) for asked in found)

    def repeated(self, model: str, alias: str) -> list[Asked]:
        """Those whose answer had been given before."""
        found = self.of(model, alias)
        before = [{asked.answer_id for asked in found[:place]} for place in range(len(found))]
        return [asked for asked, ids in zip(found, before, strict=True) if asked.answer_id in ids]

    def used(self, model: str, *path: str, alias: str = "ada") -> float:
        """The sum of a member of the answers' usage."""
        total = 0.0
        for asked in self.of(model, alias):
            value: Any = asked.usage
            for name in path:
                value = (value or {}).get(name)
            total += value or 0
        return total

    def last(self, alias: str) -> Asked:
        """The newest of those that a caller was answered."""
        return [asked for asked in self.asked if asked.alias == alias and asked.status == 200][-1]

    def cost(self, model: str, alias: str = "ada") -> float:
        return sum(asked.cost for asked in self.of(model, alias) if asked.status == 200)

    @property
    def seconds(self) -> float:
        """More than anything can have taken together: as long as it all was, times what can be under way."""
        return self.elapsed * (ADMITTED + QUEUED)


class Client:
    """Asks, and writes down what came back."""

    def __init__(self, proxy: Proxy, traffic: Traffic) -> None:
        self._traffic = traffic
        self._proxy = proxy
        self._http = httpx.Client(
            base_url=proxy.url,
            timeout=120,
            headers={"user-agent": USER_AGENT},
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def ask(
        self, model: str, alias: str = "ada", *expected: int, path: str = CHAT, **body: Any
    ) -> None:
        """One request; ``expected``: its statuses, 200 if none is given."""
        body = {"model": model, **body}
        if alias == "ada":
            body["user"] = CUSTOMER
        if path == CHAT:
            body.setdefault("messages", [{"role": "user", "content": "say something short"}])
            body.setdefault("max_tokens", 8)
            if body.get("stream"):
                body["stream_options"] = {"include_usage": True}
        answer = self._http.post(path, headers=self._as(alias), json=body)
        assert answer.status_code in (expected or (200,)), (body, answer.status_code, answer.text)
        stream = bool(body.get("stream"))
        told = _told(answer, stream=stream) if answer.status_code == 200 else {}
        usage, answer_id = told.get("usage") or {}, str(told.get("id"))
        self._traffic.asked.append(
            Asked(alias, path, model, answer.status_code, stream, usage, answer_id)
        )

    def ask_again(self) -> None:
        """The same until the cache has answered twice; LiteLLM writes to it after its answer."""
        same = [{"role": "user", "content": "the same again"}]

        def cached() -> bool:
            self.ask("fast", "ivy", messages=same, cache={"use-cache": True})
            return len(self._traffic.repeated("fast", "ivy")) == 2

        until(cached, what="answers from LiteLLM's cache")

    def drive(self, job: str, **given: Any) -> None:
        """Have something done in the proxy's process."""
        answer = self._http.post(f"/driven/{job}", params=given)
        assert answer.status_code == 200, (job, answer.text)
        self._traffic.driven[job] = answer.json()

    def call_tool(self) -> None:
        """Once over LiteLLM's own route, once over the protocol, which has the server in the tool's name."""
        listed = self._http.get("/mcp-rest/tools/list", headers=self._as("ada")).json()["tools"]
        add = next(tool for tool in listed if tool["name"].endswith("add"))
        server = add["mcp_info"]["server_id"]
        arguments = {"first": 1, "second": 2}
        call = {"server_id": server, "name": add["name"], "arguments": arguments}
        answer = self._http.post("/mcp-rest/tools/call", headers=self._as("ada"), json=call)
        assert answer.status_code == 200, answer.text
        message = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "calc-add", "arguments": arguments},
        }
        accepts = {"accept": "application/json, text/event-stream"}
        answer = self._http.post("/mcp/", headers={**self._as("ada"), **accepts}, json=message)
        assert answer.status_code == 200, answer.text
        assert '"isError":false' in answer.text, answer.text

    def hold(self, look: Callable[[], None]) -> None:
        """Look while as many requests are under way as are let in, others wait, and one was turned away."""
        body = {"messages": [{"role": "user", "content": "hold on"}]}
        asks = {"model": "holds", "max_tokens": 200, "stream": True, **body}
        with ExitStack() as open_, ThreadPoolExecutor(QUEUED) as waiting:
            for _ in range(ADMITTED):
                client = open_.enter_context(httpx.Client(timeout=60, trust_env=False))
                url = self._http.base_url.join(CHAT)
                open_.enter_context(client.stream("POST", url, headers=self._as("bob"), json=asks))
            queued = [waiting.submit(self.ask, "fast", "bob") for _ in range(QUEUED)]
            try:
                until(lambda: self._queued() == QUEUED, what="requests wait")
                self.ask("fast", "bob", 503)
                look()
            finally:
                open_.close()  # which lets those in that wait
            for each in queued:
                each.result(60)

    def _queued(self) -> int:
        self._traffic.by_operator += 1
        return self._proxy.request("GET", "/health/backlog").json()["queued_requests"]

    @staticmethod
    def _as(alias: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key_of(alias)}"}


def _told(answer: httpx.Response, *, stream: bool) -> Mapping[str, Any]:
    """The answer's body; of a stream, the chunk that has the usage."""
    if not stream:
        return answer.json()
    chunks = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: {")
    ]
    return next(chunk for chunk in chunks if chunk.get("usage"))


def send(proxy: Proxy, look: Callable[[], None]) -> Traffic:
    """Something of everything that LiteLLM's metrics tell of. ``look``: called while requests are under way."""
    traffic = Traffic(api_base=proxy.gateway.base_url(ACCOUNT))
    client, started = Client(proxy, traffic), time.monotonic()
    try:
        _ask_all(client)
        for job in JOBS:
            client.drive(job)
        client.drive("loses_redis", port=free_port())
        for service in EVENTS:
            client.drive("tells", service=service, failed=True)
        client.drive("tells", service="batch_write_to_db", failed=False)
        client.drive("keeps_books")
        client.ask("claude")  # its budget is looked at before the call: all the others are in it
        client.hold(look)
    finally:
        client.close()
    traffic.elapsed = time.monotonic() - started
    return traffic


def counted_by_litellm(proxy: Proxy) -> dict[str, float]:
    """What its own service callback has counted so far, by sample."""
    answer = httpx.post(f"{proxy.url}/driven/counted", timeout=30, trust_env=False)
    answer.raise_for_status()
    return answer.json()


def _ask_all(client: Client) -> None:
    ask = client.ask
    for _ in range(3):
        client.drive("keeps_books")  # or its limits would not have all that it used
        ask("fast", "rex")
    for stream in (False, False, False, True, True):
        ask("fast", stream=stream)
    for alias in ("ada", "ada", "kim"):
        ask("failing", alias, 500)
    ask("cools", "ada", 401)
    ask("falls-back")
    ask("falls-far", "ada", 503)
    ask("thinks", reasoning_effort="low", max_tokens=None)
    ask("hears", modalities=["text"])
    for _ in range(2):
        ask("free")
    ask("draws", path="/v1/images/generations", prompt="a dot", n=IMAGES)
    ask("films", path="/v1/videos", prompt="a dot that moves", seconds=str(SECONDS_OF_VIDEO))
    marked = {"type": "text", "cache_control": {"type": "ephemeral"}}
    ask(
        "claude",
        messages=[
            {"role": "system", "content": [{**marked, "text": "you are kind and brief"}]},
            {"role": "user", "content": [{**marked, "text": "read all of this"}]},
        ],
    )
    for _ in range(3):
        ask("federated", "bob")
    ask("denied", "bob", 401)
    ask("fast", "gus", guardrails=["watches"])
    ask("fast", "gus", 400, guardrails=["refuses"])
    ask("fast", "gus", 500, guardrails=["breaks"])
    for _ in range(2):
        ask("fast", "kim")
        ask("fast", "hal")
    ask("fast", "hal", 429)
    client.ask_again()
    client.call_tool()
