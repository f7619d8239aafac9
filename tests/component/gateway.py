"""One real proxy with keys, guardrails, fallbacks and a model for every misbehaviour, sending to a sink."""

from __future__ import annotations

import http.client
import secrets
import shutil
import socket
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from stack.waiting import until
from tests.component.proxy_process import KEY, running_proxy

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from stack.standins.provider import Provider
    from tests.component.otlp_sink import Item, Sink
    from tests.component.proxy_process import Proxy

CHAT = "/v1/chat/completions"
FILES = Path(__file__).with_name("gateway_files")

ADA = "sk-ada-0123456789abcdef"
"""A key that may do everything."""

MODELS = {
    "whole": "openai/gpt-4o",
    "server-error": "openai/gpt-4o@server-error",
    "bad-request": "openai/gpt-4o@bad-request",
    "bad-key": "openai/gpt-4o@bad-key",
    "rate-limit": "openai/gpt-4o@rate-limit",
    "slow": "openai/gpt-4o@slow-300ms",
    "held": "openai/gpt-4o",
    # It begins a stream, and goes on when everybody has long left.
    "stuck": "openai/gpt-4o@slow-60000ms-after-4",
    "late": "openai/gpt-4o@late",
    "timeout": "openai/gpt-4o@timeout",
    "broken-first": "openai/gpt-4o@broken-stream-after-0",
    # Slowly: of what comes together with the end LiteLLM makes no answer.
    "broken-mid": "openai/gpt-4o@broken-stream-500ms-after-3",
    "broken-falls-back": "openai/gpt-4o@broken-stream-after-0",
    "broken-falls-far": "openai/gpt-4o@broken-stream-after-0",
    "flaky": "openai/gpt-4o@unavailable-first-1",
    "unavailable": "openai/gpt-4o@unavailable",
    "spare": "openai/gpt-4o-mini",
    "falls-back": "openai/gpt-4o@unavailable",
    "falls-far": "openai/gpt-4o@unavailable",
    "too-long": "openai/gpt-4o@context-window",
    "improper": "openai/gpt-4o@content-policy",
    "cools-down": "openai/gpt-4o@bad-key",
    "cools-down-streamed": "openai/gpt-4o@bad-key",
}
COOLING = ("cools-down", "cools-down-streamed")
"""Groups whose deployments are taken out of rotation when they fail; the others' never are."""
NEVER = 1_000_000
"""Failures that are allowed before a cooldown."""


def config(provider: Provider) -> dict[str, Any]:
    def deployment(group: str, model: str) -> dict[str, Any]:
        params = {
            "model": model,
            "api_base": provider.base_url(),
            "api_key": "sk-of-the-provider-0123456789",
            "max_retries": 0,
        }
        if group == "timeout":
            params["timeout"] = 0.5
        if group not in COOLING:
            params["cooldown_time"] = 0
        return {
            "model_name": group,
            "litellm_params": params,
            "model_info": {"id": f"{group}-1"},
        }

    return {
        "model_list": [deployment(*pair) for pair in MODELS.items()],
        "router_settings": {
            "num_retries": 0,
            "cooldown_time": 60,
            "fallbacks": [
                {"falls-back": ["spare"]},
                {"falls-far": ["server-error"]},
                {"broken-falls-back": ["spare"]},
                {"broken-falls-far": ["server-error"]},
            ],
            "context_window_fallbacks": [{"too-long": ["spare"]}],
            "content_policy_fallbacks": [{"improper": ["spare"]}],
        },
        "litellm_settings": {
            "callbacks": ["gateway_guardrails.breaks"],
            "enable_post_custom_auth_checks": True,
            "cache": True,
            "cache_params": {"type": "local", "mode": "default_off"},
        },
        "guardrails": [
            {
                "guardrail_name": name.lower(),
                "litellm_params": {"guardrail": f"gateway_guardrails.{name}", "mode": mode},
            }
            for name, mode in (
                ("Before", "pre_call"),
                ("During", "during_call"),
                ("After", "post_call"),
            )
        ],
        "general_settings": {
            "master_key": KEY,
            "custom_auth": "gateway_auth.user_api_key_auth",
            "custom_auth_run_common_checks": True,
        },
    }


@dataclass(slots=True)
class Asked:
    """One request as its client saw it."""

    trace: str = field(default_factory=lambda: secrets.token_hex(16))
    span: str = field(default_factory=lambda: secrets.token_hex(8))
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    broken: bool = False
    ended: float = 0.0


@dataclass(slots=True)
class Gateway:
    """The proxy, what it sends to, and where its telemetry arrives."""

    proxy: Proxy
    provider: Provider
    sink: Sink

    def ask(
        self,
        path: str,
        content: bytes,
        key: str = ADA,
        *,
        leave: bool = False,
        headers: Mapping[str, str] | None = None,
        asked: Asked | None = None,
    ) -> Asked:
        """Send a request with a trace of its own; ``leave``: only until something of the answer is there."""
        asked = asked or Asked()
        sent = {**_headers(asked, key), **(headers or {})}
        with httpx.Client(timeout=60.0) as client:
            try:
                with client.stream(
                    "POST", self.proxy.url + path, headers=sent, content=content
                ) as answer:
                    asked.status, asked.headers = answer.status_code, dict(answer.headers)
                    for line in answer.iter_lines():
                        if leave and line:
                            break
            except httpx.RemoteProtocolError:
                asked.broken = True
        asked.ended = time.time()
        return asked

    def ask_and_leave(self, path: str, content: bytes, key: str = ADA) -> Asked:
        """Send a request, and leave when the provider has been asked, which answers when that is done."""
        asked = Asked()
        self.provider.hold(asked.trace)
        address = self.proxy.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(address, timeout=60.0)) as connection:
            connection.request("POST", path, content, _headers(asked, key))
            until(
                lambda: self.provider.has_met(asked.trace),
                what="the provider to be asked",
                timeout=60.0,
                interval=0.01,
            )
            connection.sock.shutdown(socket.SHUT_WR)
            # The proxy closes its end, too, when it has seen that.
            assert connection.sock.recv(1) == b""
        asked.ended = time.time()
        self.provider.let_go(asked.trace)
        return asked

    def spans_of(self, trace: str) -> list[Item]:
        return [span for span in self.sink.spans if span.data.trace_id.hex() == trace]

    def records_of(self, trace: str) -> list[Item]:
        return [
            record
            for record in self.sink.logs
            if record.data.event_name == "litellm.request" and record.data.trace_id.hex() == trace
        ]

    def counted(self, model: str) -> dict[str, float]:
        """``litellm.requests`` so far, by status, of one model."""
        totals: dict[str, float] = {}
        for metric in self.sink.metrics:
            if metric.data.name != "litellm.requests":
                continue
            for point in metric.data.sum.data_points:
                labels = {pair.key: pair.value.string_value for pair in point.attributes}
                if labels["model"] == model:
                    key = f"{labels['status']} {labels['provider']}"
                    totals[key] = point.as_double or point.as_int
        sums: dict[str, float] = {}
        for key, total in totals.items():
            status = key.split()[0]
            sums[status] = sums.get(status, 0) + total
        return sums


def _headers(asked: Asked, key: str) -> dict[str, str]:
    return {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "traceparent": f"00-{asked.trace}-{asked.span}-01",
    }


@contextmanager
def running_gateway(folder: Path, provider: Provider, sink: Sink, **env: str) -> Generator[Gateway]:
    """The gateway, with its telemetry sent to the sink at once."""
    for file in FILES.glob("*.py"):
        shutil.copy(file, folder)
    with running_proxy(
        folder,
        provider,
        config=yaml.safe_dump(config(provider), sort_keys=False),
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
            **env,
        },
    ) as proxy:
        yield Gateway(proxy, provider, sink)
