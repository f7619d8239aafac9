"""One real proxy that serves every route of the table, what it sends to, and where its telemetry arrives."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from stack.standins.provider import Call, Provider
from tests.component.matrix.routes import GROUPS
from tests.component.nobody import WITHOUT_AN_ADDRESS, refusing
from tests.component.otlp_sink import Sink
from tests.component.proxy_process import KEY, Proxy, running_proxy
from tests.component.tools_and_agents import agent, registered, served, tools

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

FILES = Path(__file__).with_name("proxy_files")
NOBODY, FALLS, COOLS = "-nobody", "-falls", "-cools"
"""What a model group's name ends in if nobody listens, if it falls back, and if it can cool down."""
_NEVER = 1_000_000
_FAILURES = (
    "BadRequestErrorAllowedFails",
    "AuthenticationErrorAllowedFails",
    "TimeoutErrorAllowedFails",
    "RateLimitErrorAllowedFails",
    "ContentPolicyViolationErrorAllowedFails",
    "InternalServerErrorAllowedFails",
)
"""What no deployment cools down for, so that rows do not see each other, unless it is one row's own."""


@dataclass(frozen=True, slots=True)
class Own:
    """A model group that one row alone asks for."""

    name: str
    group: str
    """Whose model it is."""
    account: str
    """At the provider: how it is met can be in its name."""
    falls: bool
    cools: bool


@dataclass(frozen=True)
class Site:
    proxy: Proxy
    provider: Provider
    sink: Sink


def _deployment(name: str, group: str, base: str, *, cools: bool = False) -> dict[str, Any]:
    model, version = GROUPS[group]
    params = {
        "model": model,
        "api_base": base + version,
        "api_key": "sk-of-the-deployment-0123",
        "max_retries": 0,
    }
    about: dict[str, Any] = {"id": f"{name}-1"}
    if cools:
        about["allowed_fails_policy"] = {"AuthenticationErrorAllowedFails": 0}
    return {"model_name": name, "litellm_params": params, "model_info": about}


def _config(
    provider: Provider, nobody: str, owns: Sequence[Own], tools_url: str, agent_url: str
) -> Any:
    deployments = [
        _deployment(group + suffix, group, nobody if suffix == NOBODY else provider.address())
        for group in GROUPS
        for suffix in ("", NOBODY, FALLS)
    ]
    deployments += [
        _deployment(own.name, own.group, provider.address(own.account), cools=own.cools)
        for own in owns
    ]
    falls = {f"{group}{FALLS}": [group] for group in GROUPS}
    falls |= {own.name: [own.group] for own in owns if own.falls}
    at_openai = {"api_base": provider.base_url(), "api_key": "sk-of-the-assistants-0123"}
    return {
        "model_list": deployments,
        "router_settings": {
            "num_retries": 0,
            "cooldown_time": 600,
            "allowed_fails": _NEVER,
            "allowed_fails_policy": dict.fromkeys(_FAILURES, _NEVER),
            "fallbacks": [{name: groups} for name, groups in falls.items()],
        },
        "search_tools": [
            {
                "search_tool_name": "finder",
                "litellm_params": {
                    "search_provider": "tavily",
                    "api_base": provider.address(),
                    "api_key": "sk-of-the-finder-0123",
                },
            }
        ],
        "mcp_servers": {
            "calc": {"url": f"{tools_url}/mcp", "transport": "http", "allow_all_keys": True}
        },
        "agents": registered(agent_url),
        "assistant_settings": {"custom_llm_provider": "openai", "litellm_params": at_openai},
        "files_settings": [{"custom_llm_provider": "openai", **at_openai}],
        "finetune_settings": [{"custom_llm_provider": "openai", **at_openai}],
        "litellm_settings": {
            "enable_post_custom_auth_checks": True,
            "cache": True,
            "cache_params": {"type": "local", "mode": "default_off"},
        },
        "guardrails": [
            {
                "guardrail_name": name.lower(),
                "litellm_params": {
                    "guardrail": f"matrix_guardrails.{name}",
                    "mode": mode,
                    "default_on": True,
                },
            }
            for name, mode in (
                ("Before", "pre_call"),
                ("During", "during_call"),
                ("After", "post_call"),
            )
        ],
        "general_settings": {
            "master_key": KEY,
            "custom_auth": "matrix_auth.user_api_key_auth",
            "custom_auth_run_common_checks": True,
            "pass_through_endpoints": [
                {
                    "path": "/weather",
                    "target": f"{provider.base_url()}/chat/completions",
                    "headers": {"Authorization": "Bearer sk-configured-for-the-weather"},
                    "auth": True,
                }
            ],
        },
    }


def _environment(provider: Provider, sink: Sink) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "OPENAI_API_BASE": provider.base_url(),
        "ANTHROPIC_API_BASE": provider.url,
        "GEMINI_API_BASE": provider.url,
        "OPENAI_API_KEY": "sk-openai-of-the-operator-01",
        "ANTHROPIC_API_KEY": "sk-ant-of-the-operator-01",
        "GEMINI_API_KEY": "AIza-of-the-operator-01",
        "DEFAULT_MAX_RETRIES": "0",
        **WITHOUT_AN_ADDRESS,
    }


_PAUSE = 0.3
"""Seconds; a call of a tool takes several requests, for which together LiteLLM does not wait long."""
_LAST_WORD = 6
"""How many times as long the agent's second word takes as its first."""


def _met_as_told(app: Any, provider: Provider) -> Any:
    """The app, meeting the calls of a trace in the same way as the provider does."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers") or ())
        traceparent = headers.get(b"traceparent", b"--").decode()
        trace = traceparent.split("-")[1]
        behaviour = provider.met.get(trace)
        if behaviour is None or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        provider.calls.append(Call("", scope["path"], "", behaviour.name, False, traceparent))
        await provider.held(trace)
        await asyncio.sleep(min(behaviour.delay, _PAUSE))
        if behaviour.error is None:
            began = False

            async def slowly(message: Any) -> None:
                nonlocal began
                if message.get("more_body"):
                    # Two words are all there is: who is to leave between them needs time for it.
                    await asyncio.sleep(behaviour.chunk_delay * (_LAST_WORD if began else 1))
                    began = True
                await send(message)

            await app(scope, receive, slowly)
            return
        start = {"type": "http.response.start", "status": behaviour.error.status, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b"{}"})

    return wrapped


@contextmanager
def running_site(folder: Path, owns: Sequence[Own]) -> Generator[Site]:
    """``owns``: the model groups of single rows."""
    for file in FILES.glob("*.py"):
        shutil.copy(file, folder)
    sink = Sink().start()
    with ExitStack() as stack:
        stack.callback(sink.stop)
        provider = stack.enter_context(Provider())
        tools_url = stack.enter_context(served(_met_as_told(tools(), provider)))
        agent_url = stack.enter_context(served(_met_as_told(agent(), provider)))
        nobody = f"http://127.0.0.1:{stack.enter_context(refusing())}"
        settings = _config(provider, nobody, owns, tools_url, agent_url)
        config = yaml.safe_dump(settings, sort_keys=False)
        env = _environment(provider, sink)
        proxy = stack.enter_context(running_proxy(folder, provider, config=config, env=env))
        yield Site(proxy, provider, sink)
