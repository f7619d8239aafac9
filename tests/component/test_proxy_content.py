"""Content in a real proxy: masked where its guardrails mask, absent where its settings say so."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import websockets
import websockets.sync.client
import yaml

from stack.standins.provider import Provider
from tests import content_conventions
from tests.component.otlp_sink import Sink
from tests.component.proxy_process import KEY, Proxy, running_proxy
from tests.component.tools_and_agents import agent, registered, served, tools

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
FREE, FREE_AND_QUIET = "sk-free-0123456789abcdef", "sk-free-quiet-0123456789abcdef"
"""Of keys that the guardrails that are on by default leave alone."""
WITHHELD = "litellm.content.withheld"


def config(provider: Provider, tools_url: str, agent_url: str) -> dict[str, Any]:
    where = {"api_base": provider.base_url(), "api_key": "sk-of-the-provider-0123456789"}
    return {
        "model_list": [
            {"model_name": "chat", "litellm_params": {"model": "openai/gpt-4o", **where}},
            {
                "model_name": "talk",
                "litellm_params": {
                    **where,
                    "model": "openai/gpt-4o-realtime-preview",
                    "api_base": provider.url,
                },
            },
            {
                "model_name": "talk-broken",
                "litellm_params": {
                    **where,
                    "model": "openai/gpt-4o-realtime-preview@broken-stream-after-5",
                    "api_base": provider.url,
                },
            },
            {
                "model_name": "claude",
                "litellm_params": {
                    **where,
                    "model": "anthropic/claude-sonnet-4-5",
                    "api_base": provider.url,
                },
            },
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
        "agents": registered(agent_url),
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
                "LITELLM_OTEL_CONTENT_REDACT_PATTERNS": "code-word-[a-z]+",
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


class Session:
    """A session with the proxy over a websocket."""

    def __init__(self, gateway: Gateway, path: str, key: str, **headers: str) -> None:
        self._connection = websockets.sync.client.connect(
            gateway.proxy.url.replace("http", "ws") + path,
            additional_headers={"Authorization": f"Bearer {key}", **headers},
            open_timeout=60,
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def say(self, kind: str, until: str = "", **event: Any) -> None:
        """Send an event, and wait for one of that type."""
        self._connection.send(json.dumps({"type": kind, **event}))
        while until and json.loads(self._connection.recv(timeout=60))["type"] != until:
            pass

    def write(self, text: str) -> None:
        part = {"type": "input_text", "text": text}
        item = {"type": "message", "role": "user", "content": [part]}
        self.say("conversation.item.create", "conversation.item.created", item=item)

    def ask(self, **wanted: Any) -> None:
        self.say("response.create", "response.done", response=wanted)


REALTIME = "/v1/realtime?model=talk"
WORDS = "word0 word1 word2 "
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def wrote(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def spoke(role: str, size: int, transcript: str) -> dict[str, Any]:
    blob = {"type": "blob", "modality": "audio", "content": "", "size": size}
    return {"role": role, "parts": [{**blob, "transcript": transcript}]}


def test_a_realtime_session(gateway: Gateway) -> None:
    sound = base64.b64encode(b"0123456789" * 40).decode()
    with Session(gateway, REALTIME, FREE) as session:
        about = {"instructions": "Be brief.", "tools": [TOOL]}
        session.say("session.update", "session.updated", session=about)
        session.write("Hi")
        session.ask()
        for _ in range(2):
            session.say("input_audio_buffer.append", audio=sound)
        # LiteLLM asks for the answer to what was said aloud.
        session.say("input_audio_buffer.commit", "response.done")
        session.ask(output_modalities=["audio"])
        session.write("And in Ulm?")
        session.ask(tools=[TOOL], tool_choice="required")
        output = {"type": "function_call_output", "call_id": "call_7", "output": '{"sun": true}'}
        session.say("conversation.item.create", "conversation.item.created", item=output)
        session.ask()

    values = gateway.content()
    assert values["gen_ai.system_instructions"] == [{"type": "text", "content": "Be brief."}]
    assert values["gen_ai.tool.definitions"] == [TOOL]
    *said, called, answer = values[INPUT]
    assert said == [
        wrote("user", "Hi"),
        wrote("assistant", WORDS),
        spoke("user", 800, "What I said aloud."),
        wrote("assistant", WORDS),
        spoke("assistant", 720, WORDS),
        wrote("user", "And in Ulm?"),
    ]
    (call,) = called["parts"]
    assert (call["type"], call["name"]) == ("tool_call", "weather")
    assert call["arguments"] == {"city": "Ulm"}
    (result,) = answer["parts"]
    assert (answer["role"], result["type"], result["id"]) == (
        "tool",
        "tool_call_response",
        "call_7",
    )
    assert "sun" in str(result["response"])
    assert values[OUTPUT] == answered(WORDS)
    assert sound[:40] not in gateway.everything()


def test_a_realtime_session_that_breaks_is_there_as_far_as_it_came(gateway: Gateway) -> None:
    with Session(gateway, "/v1/realtime?model=talk-broken", FREE) as session:
        session.write("Hi")
        with pytest.raises(websockets.ConnectionClosed):
            session.ask(output_modalities=["audio"])
    so_far = {**spoke("assistant", 240, "word0 "), "finish_reason": "error"}
    assert gateway.content() == {INPUT: asked("Hi"), OUTPUT: [so_far]}


def test_responses_over_a_websocket(gateway: Gateway) -> None:
    ask = {"model": "claude", "instructions": "Be brief.", "tools": [TOOL], "input": "Hi"}
    with Session(gateway, "/v1/responses?model=claude", FREE) as session:
        session.say("response.create", "response.completed", **ask)
        item = {"type": "message", "role": "user", "content": "Again"}
        session.say("response.create", "response.completed", **{**ask, "input": [item]})
    values = gateway.content()
    assert values["gen_ai.system_instructions"] == [{"type": "text", "content": "Be brief."}]
    assert values["gen_ai.tool.definitions"][0]["name"] == "weather"
    first, answer, second = values[INPUT]
    assert (first, second) == (wrote("user", "Hi"), wrote("user", "Again"))
    assert answer["role"] == "assistant"
    assert values[OUTPUT] == [{**answer, "finish_reason": "stop"}]


def test_what_is_taken_out_of_a_session(gateway: Gateway) -> None:
    with Session(gateway, REALTIME, FREE) as session:
        session.write("My key is sk-proj-0123456789abcdefghijklmn, my code-word-swordfish too.")
        session.write("x" * 9_000)
        for _ in range(9):
            session.write("y" * 8_000)
        session.ask()
    span, event = gateway.attempt()
    values = content_conventions.of_span(span.attributes)
    assert content_conventions.of_event(event.attributes) == values
    left_out = span.attributes["litellm.content.left_out"]
    assert left_out == event.attributes["litellm.content.left_out"] == 12 - len(values[INPUT]) - 1
    assert left_out > 3
    assert values[INPUT][-1] == wrote("user", "y" * 8_000)
    assert values[OUTPUT] == answered(WORDS)

    with Session(gateway, REALTIME, FREE) as session:
        session.write("My key is sk-proj-0123456789abcdefghijklmn, my code-word-swordfish too.")
        session.write("x" * 9_000)
        session.ask()
    secret, long = (message["parts"][0]["content"] for message in gateway.content()[INPUT])
    assert secret == "My key is [REDACTED], my [REDACTED] too."
    assert long == "x" * 8_192 + "… [808 more characters]"
    told = gateway.everything()
    assert "swordfish" not in told
    assert "0123456789abcdefghijklmn" not in told


@pytest.mark.parametrize(
    ("path", "key", "headers", "reason"),
    [
        (REALTIME, FREE_AND_QUIET, {}, "message_logging_off"),
        (REALTIME, FREE, {"x-litellm-enable-message-redaction": "true"}, "message_logging_off"),
        (REALTIME, LOUD, {}, "input_guardrail"),
        (f"{REALTIME}&guardrails=answers", FREE, {}, "input_guardrail"),
        ("/v1/responses?model=claude", FREE_AND_QUIET, {}, "message_logging_off"),
        ("/v1/responses?model=claude", LOUD, {}, "input_guardrail"),
    ],
    ids=lambda value: str(value) if value else "",
)
def test_sessions_that_are_not_to_be_logged(
    gateway: Gateway, path: str, key: str, headers: dict[str, str], reason: str
) -> None:
    with Session(gateway, path, key, **headers) as session:
        if "realtime" in path:
            session.write(PROMPT)
            session.ask()
        else:
            session.say("response.create", "response.completed", model="claude", input=PROMPT)
    span, event = gateway.attempt()
    assert content_conventions.of_span(span.attributes) == {}
    assert content_conventions.of_event(event.attributes) == {}
    assert span.attributes[WITHHELD] == event.attributes[WITHHELD] == reason
    assert NAME not in gateway.everything()


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
