"""Content in a real proxy: masked where its guardrails mask, absent where its settings say so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from stack.standins.provider import Provider
from tests import content_conventions
from tests.component.otlp_sink import Sink
from tests.component.proxy_process import KEY, Proxy, running_proxy
from tests.component.tools_and_agents import agent, served, tools

if TYPE_CHECKING:
    from tests.component.otlp_sink import Item

pytestmark = pytest.mark.timeout(600)

FILES = Path(__file__).with_name("content_files")
EVENT = "gen_ai.client.inference.operation.details"
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
NAME = "Ann-Example"
PROMPT = f"My name is {NAME}, and nobody else is to know."
MASKED = PROMPT.replace(NAME, "<PERSON>")
LOUD, QUIET = "sk-loud-0123456789abcdef", "sk-quiet-0123456789abcdef"
WITHHELD = "litellm.content.withheld"


def config(provider: Provider, tools_url: str, agent_url: str) -> dict[str, Any]:
    where = {"api_base": provider.base_url(), "api_key": "sk-of-the-provider-0123456789"}
    skills: list[Any] = []
    card = {
        "protocolVersion": "0.3.0",
        "name": "helper",
        "description": "helps",
        "version": "1",
        "url": agent_url,
        "capabilities": {"streaming": True},
        "defaultInputModes": ["text"],
        "defaultOutputModes": ["text"],
        "skills": skills,
    }
    return {
        "model_list": [
            {"model_name": "chat", "litellm_params": {"model": "openai/gpt-4o", **where}},
        ],
        "litellm_settings": {
            "default_team_settings": [{"team_id": "quiet", "turn_off_message_logging": True}]
        },
        "guardrails": [
            {
                "guardrail_name": "questions",
                "litellm_params": {
                    "guardrail": "content_guardrails.MasksQuestions",
                    "mode": "pre_call",
                    "default_on": True,
                },
            },
            {
                "guardrail_name": "answers",
                "litellm_params": {
                    "guardrail": "content_guardrails.MasksAnswers",
                    "mode": "post_call",
                },
            },
        ],
        "mcp_servers": {"calc": {"url": f"{tools_url}/mcp", "transport": "http"}},
        "agents": [{"agent_name": "helper", "agent_card_params": card}],
        "general_settings": {
            "master_key": KEY,
            "allow_client_side_credentials": True,
            "custom_auth": "content_auth.user_api_key_auth",
            "pass_through_endpoints": [
                {
                    "path": "/weather",
                    "target": f"{provider.base_url()}/chat/completions",
                    "headers": {"Authorization": "Bearer sk-configured-for-the-weather"},
                }
            ],
        },
    }


@dataclass
class Gateway:
    """The proxy, and where its telemetry arrives."""

    proxy: Proxy
    sink: Sink
    client: httpx.Client
    before: int = 0
    seen: set[bytes] = field(default_factory=set[bytes])

    def asked(self, path: str, key: str = LOUD, **given: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}", **given.pop("headers", {})}
        response = self.client.post(path, headers=headers, **given)
        assert response.status_code == 200, response.text
        return response

    def chat(self, key: str = LOUD, headers: dict[str, str] | None = None, **more: Any) -> str:
        body = {"model": "chat", "messages": [{"role": "user", "content": PROMPT}]}
        body |= {"max_tokens": 3, **more}
        return self.asked("/v1/chat/completions", key, headers=headers or {}, json=body).text

    def attempt(self) -> tuple[Item, Item]:
        """The new span of an attempt, and the event of it."""

        def new() -> list[tuple[Item, Item]]:
            of_span = {item.data.span_id: item for item in self.sink.logs if self.is_event(item)}
            spans = [item for item in self.sink.spans if "gen_ai.operation.name" in item.attributes]
            return [
                (span, of_span[span.data.span_id])
                for span in spans
                if span.data.span_id in of_span and span.data.span_id not in self.seen
            ]

        ((span, event),) = self.sink.wait_for(new)
        self.seen.add(span.data.span_id)
        return span, event

    @staticmethod
    def is_event(item: Item) -> bool:
        return item.data.event_name == EVENT

    def content(self) -> dict[str, Any]:
        """The content of the new attempt, the same on span and event."""
        span, event = self.attempt()
        values = content_conventions.of_span(span.attributes)
        assert content_conventions.of_event(event.attributes) == values
        assert WITHHELD not in span.attributes
        return values

    def everything(self) -> str:
        return repr([item.data for item in (*self.sink.spans, *self.sink.logs)])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("content")
    for file in FILES.glob("*.py"):
        shutil.copy(file, folder)
    sink = Sink().start()
    with (
        Provider() as provider,
        served(tools()) as tools_url,
        served(agent()) as agent_url,
        running_proxy(
            folder,
            provider,
            config=yaml.safe_dump(config(provider, tools_url, agent_url), sort_keys=False),
            env={
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
                "OTEL_BSP_SCHEDULE_DELAY": "50",
                "OTEL_BLRP_SCHEDULE_DELAY": "50",
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
                "OPENAI_API_KEY": "sk-openai-of-the-operator-01",
                "OPENAI_API_BASE": provider.url,
            },
        ) as proxy,
        httpx.Client(base_url=proxy.url, timeout=60) as client,
    ):
        yield Gateway(proxy, sink, client)
    sink.stop()


def asked(text: str) -> list[Any]:
    return [{"role": "user", "parts": [{"type": "text", "content": text}]}]


def answered(text: str) -> list[Any]:
    part = {"type": "text", "content": text}
    return [{"role": "assistant", "parts": [part], "finish_reason": "stop"}]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_masked_question_is_recorded_masked(gateway: Gateway, stream: bool) -> None:
    gateway.chat(stream=stream)
    assert gateway.content() == {INPUT: asked(MASKED), OUTPUT: answered("word0 word1 word2 ")}
    assert NAME not in gateway.everything()


def test_an_answer_that_is_to_be_masked_is_not_recorded(gateway: Gateway) -> None:
    assert "<MASKED>" in gateway.chat(guardrails=["answers"])
    span, event = gateway.attempt()
    assert content_conventions.of_span(span.attributes) == {INPUT: asked(MASKED)}
    assert content_conventions.of_event(event.attributes) == {INPUT: asked(MASKED)}
    assert span.attributes[WITHHELD] == "output_guardrail"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("key", "headers", "body", "reason"),
    [
        (QUIET, {}, {}, "message_logging_off"),
        (LOUD, {"x-litellm-enable-message-redaction": "true"}, {}, "message_logging_off"),
        (LOUD, {}, {"turn_off_message_logging": True}, "message_logging_off"),
        (LOUD, {}, {"no-log": True}, "no_log"),
    ],
    ids=["team", "header", "request", "no-log"],
)
def test_what_litellm_is_not_to_log(
    gateway: Gateway,
    key: str,
    headers: dict[str, str],
    body: dict[str, Any],
    reason: str,
    stream: bool,
) -> None:
    gateway.chat(key, headers, stream=stream, **body)
    span, event = gateway.attempt()
    assert content_conventions.of_span(span.attributes) == {}
    assert content_conventions.of_event(event.attributes) == {}
    assert span.attributes[WITHHELD] == event.attributes[WITHHELD] == reason


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", ["/weather", "/openai/v1/chat/completions"])
def test_pass_through(gateway: Gateway, path: str, stream: bool) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}
    gateway.asked(path, json={**body, "stream": stream})
    assert gateway.content() == {INPUT: asked("Hi"), OUTPUT: answered("word0 word1 word2 ")}


@pytest.mark.parametrize(
    ("key", "headers"),
    [(QUIET, {}), (LOUD, {"x-litellm-enable-message-redaction": "true"})],
    ids=["team", "header"],
)
def test_pass_through_that_is_not_to_be_logged(
    gateway: Gateway, key: str, headers: dict[str, str]
) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    gateway.asked("/weather", key, headers=headers, json=body)
    span, _ = gateway.attempt()
    assert content_conventions.of_span(span.attributes) == {}
    assert span.attributes[WITHHELD] == "message_logging_off"


def test_tools(gateway: Gateway) -> None:
    body = {"server_id": "calc", "name": "add", "arguments": {"first": 1, "second": 2}}
    headers = {"Authorization": f"Bearer {LOUD}"}
    listed = gateway.client.get("/mcp-rest/tools/list", headers=headers).json()["tools"]
    body["server_id"] = listed[0]["mcp_info"]["server_id"]
    gateway.asked("/mcp-rest/tools/call", json=body)
    values = gateway.content()
    assert values["gen_ai.tool.call.arguments"] == {"first": 1, "second": 2}
    assert "3" in str(values["gen_ai.tool.call.result"])


def test_agents(gateway: Gateway) -> None:
    message = {
        "kind": "message",
        "role": "user",
        "messageId": "m1",
        "parts": [{"kind": "text", "text": "Hi"}],
    }
    body = {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": message}}
    gateway.asked("/a2a/helper", json=body)
    values = gateway.content()
    assert values[INPUT] == asked("Hi")
    assert values[OUTPUT][0]["parts"][0]["type"] == "text"


def test_it_is_on_no_other_span_and_in_no_request_record(gateway: Gateway) -> None:
    others = [item for item in gateway.sink.spans if item.data.span_id not in gateway.seen]
    records = [item for item in gateway.sink.logs if not gateway.is_event(item)]
    assert others
    assert records
    told = repr([item.data for item in (*others, *records)])
    assert "nobody else is to know" not in told
    assert "word1" not in told
