"""Planted strings are nowhere in what a real proxy sends, with its settings as they are or all opened up."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from stack.ports import free_port
from stack.standins.provider import Provider
from tests.component.planted import SERVICE_ACCOUNT
from tests.component.proxy_process import Proxy, running_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Sink


def _planted(*names: str, before: str = "planted") -> dict[str, str]:
    return {name: f"{before}{secrets.token_hex(10)}" for name in names}


# At the level DEBUG LiteLLM's own lines hold the request, and whoever asks for it gets it; no key, though.
CONTENT = _planted(
    *("prompt", "system prompt", "tool", "embedded", "text", "echoed prompt"),
    *("metadata", "requester metadata"),
)
KEYS = {
    "master key": f"sk-{secrets.token_urlsafe(32)}",
    **_planted("deployment key", "leaky key", "fallback key", before="sk-planted-"),
    **_planted("wrong bearer", "wrong x-api-key", "wrong api-key", before="sk-wrong-"),
    **_planted("wrong goog key", "wrong query key", before="AIzaSyPlanted"),
    **_planted("azure key", "azure ad token", "azure sas", "url password", "url key"),
    "aws id": f"AKIA{secrets.token_hex(8).upper()}",
    **_planted("aws secret", "aws session", "vertex key"),
    **_planted("extra header", "extra bearer", "extra body", "langfuse secret", "langfuse key"),
    **_planted("environment key", "otlp header", "salt", "passed through", "mcp value"),
    **_planted("client header", "client cookie", "client query", "signed query", "proxy basic"),
    **_planted("dynamic callback", "client key"),
}


def config(provider: Provider) -> str:
    """A gateway with every kind of credential in its configuration; written as JSON, which is YAML."""
    base = provider.base_url()
    closed = f"http://127.0.0.1:{free_port()}"

    def model(name: str, model: str, **more: Any) -> dict[str, Any]:
        return {"model_name": name, "litellm_params": {"model": model, **more}}

    account = json.loads(SERVICE_ACCOUNT)
    account["private_key"] = (
        f"-----BEGIN PRIVATE KEY-----\n{KEYS['vertex key']}\n-----END PRIVATE KEY-----\n"
    )
    at_home = {"api_base": base, "api_key": KEYS["deployment key"], "max_retries": 0}
    return json.dumps(
        {
            "model_list": [
                model("chat", "openai/gpt-4o", **at_home),
                model("embedding", "openai/text-embedding-3-small", **at_home),
                model("text", "text-completion-openai/gpt-3.5-turbo-instruct", **at_home),
                model(
                    "leaky",
                    "openai/gpt-4o@leaky-error",
                    api_base=base,
                    api_key=KEYS["leaky key"],
                    max_retries=0,
                ),
                model("leaky alone", "openai/gpt-4o@leaky-error", **at_home),
                model(
                    "rescue",
                    "openai/gpt-4o-mini",
                    **{**at_home, "api_key": KEYS["fallback key"]},
                    extra_headers={
                        "X-Tenant": KEYS["extra header"],
                        "Proxy-Authorization": f"Bearer {KEYS['extra bearer']}",
                    },
                    extra_body={"client_secret": KEYS["extra body"]},
                    langfuse_secret=KEYS["langfuse secret"],
                    langfuse_public_key=KEYS["langfuse key"],
                ),
                model("environment", "openai/gpt-4o", api_base=base),
                model(
                    "addressed",
                    "hosted_vllm/gpt-4o",
                    api_base=f"{closed}/v1?key={KEYS['url key']}".replace(
                        "://", f"://user:{KEYS['url password']}@"
                    ),
                    api_key=KEYS["azure key"],
                ),
                model(
                    "azure",
                    "azure/deployment",
                    api_base=f"{closed}?sv=2024-05-04&sig={KEYS['azure sas']}",
                    api_version="2024-10-21",
                    azure_ad_token=KEYS["azure ad token"],
                ),
                model(
                    "bedrock",
                    "bedrock/arn:aws:bedrock:us-east-1:123456789012:inference-profile/abc",
                    api_base=closed,
                    aws_region_name="us-east-1",
                    aws_access_key_id=KEYS["aws id"],
                    aws_secret_access_key=KEYS["aws secret"],
                    aws_session_token=KEYS["aws session"],
                ),
                model(
                    "vertex",
                    "vertex_ai/gemini-2.5-pro",
                    vertex_project="project",
                    vertex_location="us-east1",
                    vertex_credentials=json.dumps(account),
                ),
            ],
            "router_settings": {
                "num_retries": 1,
                "retry_after": 0,
                "disable_cooldowns": True,
                "fallbacks": [{"leaky": ["rescue"]}],
            },
            "general_settings": {
                "master_key": KEYS["master key"],
                "pass_through_endpoints": [
                    {
                        "path": "/through",
                        "target": f"{base}/chat/completions?signature={KEYS['signed query']}",
                        "headers": {"Authorization": f"Bearer sk-{KEYS['passed through']}"},
                        "forward_headers": False,
                    }
                ],
            },
        }
    )


@contextmanager
def gateway(folder: Path, sink: Sink, provider: Provider, **env: str) -> Iterator[Proxy]:
    with running_proxy(
        folder,
        provider,
        config=config(provider),
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={KEYS['otlp header']}",
            "OTEL_METRIC_EXPORT_INTERVAL": "2000",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
            "OPENAI_API_KEY": f"sk-{KEYS['environment key']}",
            "LITELLM_SALT_KEY": KEYS["salt"],
            "LITELLM_OTEL_ACCESS_LOG": "true",
            "LITELLM_OTEL_HTTP_METRICS": "true",
            "INITIAL_RETRY_DELAY": "0.01",
            **env,
        },
    ) as proxy:
        yield proxy


def ask(proxy: Proxy) -> list[tuple[str, int]]:
    """Every kind of request with every kind of secret in it; what became of each."""
    system = {"role": "system", "content": CONTENT["system prompt"]}
    messages = [system, {"role": "user", "content": f'He said: "{CONTENT["prompt"]}"\nand left.'}]
    tool = {"name": "look_up", "description": CONTENT["tool"], "parameters": {"type": "object"}}
    metadata = {
        "note": CONTENT["metadata"],
        "requester_metadata": {"note": CONTENT["requester metadata"]},
    }
    chat: dict[str, Any] = {"messages": messages, "max_tokens": 4, "metadata": metadata}
    echoed = {**chat, "messages": [{"role": "user", "content": CONTENT["echoed prompt"]}]}
    headers = {
        "Authorization": f"Bearer {KEYS['master key']}",
        "X-Auth-Token": KEYS["client header"],
        "Cookie": f"session={KEYS['client cookie']}",
        "Proxy-Authorization": f"Basic {KEYS['proxy basic']}",
    }
    path = "/v1/chat/completions"
    query = f"{path}?api_key={KEYS['client query']}"
    wanted: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
        (
            "chat",
            path,
            {"model": "chat", **chat, "tools": [{"type": "function", "function": tool}]},
            {},
        ),
        ("streamed", query, {"model": "chat", **chat, "stream": True}, {}),
        (
            "callback",
            path,
            {"model": "chat", **chat, "langfuse_secret_key": KEYS["dynamic callback"]},
            {},
        ),
        (
            "own key",
            path,
            {"model": "leaky alone", **chat, "api_key": f"sk-{KEYS['client key']}"},
            {},
        ),
        ("text", "/v1/completions", {"model": "text", "prompt": CONTENT["text"]}, {}),
        ("embedding", "/v1/embeddings", {"model": "embedding", "input": CONTENT["embedded"]}, {}),
        ("fallback", path, {"model": "leaky", **echoed}, {}),
        ("failing", path, {"model": "leaky alone", **echoed}, {}),
        ("failing, streamed", path, {"model": "leaky alone", **echoed, "stream": True}, {}),
        ("unknown model", path, {"model": f"sk-{KEYS['client key']}", **chat}, {}),
        ("malformed", path, {"model": "chat", "messages": CONTENT["prompt"]}, {}),
        ("passed through", "/through", {"model": "gpt-4o", **echoed}, {}),
        ("passed through, failing", "/through", {"model": "gpt-4o@leaky-error", **echoed}, {}),
        *(
            (name, path, {"model": name, **chat}, {})
            for name in ("environment", "addressed", "azure")
        ),
        *((name, path, {"model": name, **chat}, {}) for name in ("bedrock", "vertex")),
        (
            "wrong bearer",
            path,
            {"model": "chat", **chat},
            {"Authorization": f"Bearer {KEYS['wrong bearer']}"},
        ),
        (
            "wrong x-api-key",
            "/v1/messages",
            {"model": "chat", **chat},
            {"x-api-key": KEYS["wrong x-api-key"]},
        ),
        ("wrong api-key", path, {"model": "chat", **chat}, {"api-key": KEYS["wrong api-key"]}),
        (
            "wrong goog key",
            "/v1beta/models/chat:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": CONTENT["prompt"]}]}]},
            {"x-goog-api-key": KEYS["wrong goog key"]},
        ),
        (
            "wrong query key",
            f"/v1beta/models/chat:generateContent?key={KEYS['wrong query key']}",
            {"contents": [{"role": "user", "parts": [{"text": CONTENT["prompt"]}]}]},
            {"Authorization": ""},
        ),
    ]
    answers: list[tuple[str, int]] = []
    with httpx.Client(base_url=proxy.url, timeout=60) as client:
        for name, where, body, more in wanted:
            given = {**headers, **more}
            if more and "Authorization" not in more:
                del given["Authorization"]
            answer = client.post(where, json=body, headers={k: v for k, v in given.items() if v})
            answers.append((name, answer.status_code))
    return answers


GOOD = {
    "chat",
    "streamed",
    "text",
    "embedding",
    "fallback",
    "passed through",
    "environment",
}


def everything(sink: Sink) -> list[tuple[str, str]]:
    """All that was sent: what it is, and its whole text."""
    return [
        *((f"span {item.data.name}", f"{item.data} {item.resource}") for item in sink.spans),
        *((f"metric {item.data.name}", f"{item.data} {item.resource}") for item in sink.metrics),
        *((f"log of {item.scope}", f"{item.data} {item.resource}") for item in sink.logs),
    ]


def leaks(sink: Sink, forbidden: dict[str, str]) -> dict[str, list[str]]:
    sent = everything(sink)
    return {
        place: where
        for place, secret in forbidden.items()
        if (
            where := [
                f"{what}: …{text[max(0, at - 300) : at + 100]}…"
                for what, text in sent
                if (at := text.find(secret)) >= 0
            ][:3]
        )
    }


@pytest.mark.parametrize("open_up", [False, True], ids=["default", "all content, debug lines"])
def test_nothing_planted_leaves_the_proxy(sink: Sink, tmp_path: Path, open_up: bool) -> None:
    env = {"LITELLM_LOG": "INFO"}
    if open_up:
        env = {
            "LITELLM_LOG": "DEBUG",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        }
    with Provider() as provider, gateway(tmp_path, sink, provider, **env) as proxy:
        answers = ask(proxy)
        sink.wait_for(lambda: len(sink.server_spans) >= len(answers))
        assert proxy.stop() in (0, -15)
    refused = {name for name, status in answers if status >= 400}
    assert refused == {name for name, _ in answers} - GOOD, answers
    assert len(sink.server_spans) == len(answers)
    # The strings did go in: the provider was asked, and the collector let us in by our header.
    assert any(call.behaviour == "leaky-error" for call in provider.calls)
    assert all(headers["api-key"] == KEYS["otlp header"] for headers in sink.headers)
    assert [item for item in sink.logs if item.scope.startswith("LiteLLM")]
    assert sink.metrics
    forbidden = KEYS if open_up else {**KEYS, **CONTENT}
    assert not leaks(sink, forbidden)
