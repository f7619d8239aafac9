"""LiteLLM's configuration for the stack: model groups that show each thing a gateway can meet.

Upstream is the provider stand-in; a group's deployments say in their model name how it behaves.
Nothing about telemetry is in here: instrumenting LiteLLM takes no change of its configuration.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

PRICES = {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05}

CHAT = "chat"
SLOW = "chat-slow"
FAILING = "chat-failing"
RATE_LIMITED_ONCE = "chat-rate-limited"
WITH_FALLBACK = "chat-with-fallback"
BACKUP = "chat-backup"
OUT_OF_QUOTA = "chat-quota"
BROKEN_STREAM = "chat-broken-stream"
SLOW_TO_ANSWER = "chat-timeout"
BAD_KEY = "chat-bad-key"
LEAKY = "chat-leaky"
TEXT = "text"
EMBEDDING = "embedding"


@dataclass(frozen=True)
class Deployment:
    """One entry of LiteLLM's ``model_list``: a group and where its requests go."""

    group: str
    model: str
    account: str = "north"
    options: Mapping[str, Any] = field(default_factory=dict)

    def entry(self, base_url: Callable[[str], str], api_key: str) -> dict[str, Any]:
        return {
            "model_name": self.group,
            "litellm_params": {
                "model": self.model,
                "api_base": base_url(self.account),
                "api_key": api_key,
                # Retrying is the Router's here, so that one attempt is one request upstream.
                "max_retries": 0,
                **PRICES,
                **self.options,
            },
        }


DEPLOYMENTS: tuple[Deployment, ...] = (
    Deployment(CHAT, "openai/gpt-4o"),
    Deployment(SLOW, "openai/gpt-4o@slow-200ms", "east"),
    Deployment(FAILING, "openai/gpt-4o@server-error", "east"),
    Deployment(RATE_LIMITED_ONCE, "openai/gpt-4o-mini@rate-limit-first-1", "east"),
    Deployment(WITH_FALLBACK, "openai/gpt-4o@unavailable", "west"),
    Deployment(BACKUP, "openai/gpt-4o-mini", "east"),
    Deployment(OUT_OF_QUOTA, "openai/gpt-4o@quota", "east"),
    Deployment(BROKEN_STREAM, "openai/gpt-4o@broken-stream-after-3", "east"),
    Deployment(SLOW_TO_ANSWER, "openai/gpt-4o@timeout", "east", {"timeout": 1}),
    Deployment(BAD_KEY, "openai/gpt-4o@bad-key", "east"),
    Deployment(LEAKY, "openai/gpt-4o@leaky-error", "east"),
    Deployment(TEXT, "text-completion-openai/gpt-3.5-turbo-instruct"),
    Deployment(EMBEDDING, "openai/text-embedding-3-small"),
)

# How long LiteLLM waits before it retries the only deployment of a group, in seconds.
RETRY_ENVIRONMENT = {"INITIAL_RETRY_DELAY": "0.05", "JITTER": "0.01", "MAX_RETRY_DELAY": "0.2"}


@dataclass(frozen=True)
class Gateway:
    """What a client of the proxy and its configuration file have to agree on."""

    base_url: Callable[[str], str]
    deployments: Sequence[Deployment] = DEPLOYMENTS
    num_retries: int = 1
    master_key: str = field(default_factory=lambda: "sk-" + secrets.token_urlsafe(32))
    provider_key: str = field(default_factory=lambda: "sk-" + secrets.token_urlsafe(32))
    litellm_settings: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> str:
        document = {
            "model_list": [
                each.entry(self.base_url, self.provider_key) for each in self.deployments
            ],
            "litellm_settings": dict(self.litellm_settings),
            "router_settings": {
                "num_retries": self.num_retries,
                "retry_after": 0,
                "fallbacks": [{WITH_FALLBACK: [BACKUP]}],
                # A deployment that is skipped for a while would make the number of attempts depend
                # on what other requests met just before.
                "disable_cooldowns": True,
            },
            "general_settings": {"master_key": self.master_key},
        }
        return yaml.safe_dump(document, sort_keys=False)
