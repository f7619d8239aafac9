"""The proxy's routes beside chat: which are requests, and that each is one, with its spans and its record."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import websockets
import websockets.sync.client
import yaml
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from stack.standins.endpoint import DEFAULT_LENGTH
from stack.standins.provider import Provider
from stack.waiting import until
from tests.certificates import Authority
from tests.component.otlp_sink import Sink, attributes
from tests.component.proxy_process import KEY, Proxy, running_proxy
from tests.component.tools_and_agents import agent, registered, served, tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(600)

PROMPT = "Nobody else is to read this."
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}
KINDS = {Span.SPAN_KIND_SERVER: "SERVER", Span.SPAN_KIND_CLIENT: "CLIENT"}
KINDS[Span.SPAN_KIND_INTERNAL] = "INTERNAL"
SECRETS = {
    "OPENAI_API_KEY": "sk-openai-of-the-operator-01",
    "ANTHROPIC_API_KEY": "sk-ant-of-the-operator-01",
    "GEMINI_API_KEY": "AIza-of-the-operator-01",
}
CONFIGURED_KEY = "sk-configured-for-the-weather"


def config(provider: Provider, secure_url: str, tools_url: str, agent_url: str) -> dict[str, Any]:
    def deployment(group: str, model: str, base: str) -> dict[str, Any]:
        params = {"model": model, "api_base": base, "api_key": "sk-of-the-deployment-0123"}
        return {
            "model_name": group,
            "litellm_params": {**params, "max_retries": 0},
            "model_info": {"id": f"{group}-1"},
        }

    realtime = "openai/gpt-4o-realtime-preview"
    return {
        "model_list": [
            deployment("fast", "openai/gpt-4o", provider.base_url()),
            deployment("slow", "openai/gpt-4o@slow-300ms", provider.base_url()),
            deployment("hosted", "azure/gpt-4o", provider.url),
            deployment("claude", "anthropic/claude-sonnet-4-5", provider.url),
            deployment("talk", realtime, provider.url),
            deployment("talk-refused", f"{realtime}@server-error", provider.url),
            deployment("talk-broken", f"{realtime}@broken-stream-after-2", provider.url),
            # LiteLLM opens these sessions over TLS only.
            deployment("native", "openai/gpt-4o", f"{secure_url}/v1"),
            deployment("native-refused", "openai/gpt-4o@server-error", f"{secure_url}/v1"),
            deployment("native-broken", "openai/gpt-4o@broken-stream-after-2", f"{secure_url}/v1"),
        ],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "mcp_servers": {"calc": {"url": f"{tools_url}/mcp", "transport": "http"}},
        "agents": registered(agent_url),
        "assistant_settings": {
            "custom_llm_provider": "openai",
            "litellm_params": {
                "api_base": provider.base_url(),
                "api_key": "sk-of-the-assistants-0123",
            },
        },
        "general_settings": {
            "master_key": KEY,
            "pass_through_endpoints": [
                {
                    "path": "/weather",
                    "target": f"{provider.base_url()}/chat/completions",
                    "headers": {"Authorization": f"Bearer {CONFIGURED_KEY}"},
                    "cost_per_request": 0.25,
                }
            ],
        },
    }


@dataclass
class Gateway:
    """The proxy under test, what it sends to, and where its telemetry arrives."""

    proxy: Proxy
    provider: Provider
    sink: Sink
    client: httpx.Client
    records: int = 0
    before: Counter[tuple[tuple[str, Any], ...]] = field(default_factory=Counter)

    def mark(self) -> None:
        """Look only at what comes from now on."""
        self.records = len(self.all_records())
        self.before = self.counted()

    def all_records(self) -> list[Any]:
        return [log for log in self.sink.logs if log.data.event_name == "litellm.request"]

    def counted(self) -> Counter[tuple[tuple[str, Any], ...]]:
        """Requests, as last told of each series."""
        last: Counter[tuple[tuple[str, Any], ...]] = Counter()
        for metric in self.sink.metrics:
            if metric.data.name == "litellm.requests":
                for point in metric.data.sum.data_points:
                    key = tuple(sorted(attributes(point).items()))
                    last[key] = int(point.as_double or point.as_int)
        return last

    def seen(self, count: int = 1, within: int = 0) -> Seen:
        """What came of so many requests; fails if it is of more or fewer. ``within``: calls made of a call."""
        assert self.sink.wait_for(lambda: len(self.all_records()) - self.records >= count)
        assert self.sink.wait_for(lambda: (self.counted() - self.before).total() >= count)
        records = self.all_records()[self.records :]
        assert len(records) == count
        trace = records[0].data.trace_id

        def spans() -> list[Any]:
            return [span for span in self.sink.spans if span.data.trace_id == trace]

        def whole() -> bool:
            got = spans()
            ids = {span.data.span_id for span in got}
            attempts = sum("litellm.attempt.number" in span.attributes for span in got)
            return (
                attempts == attributes(records[0].data)["litellm.attempts"] + within
                and all(not s.data.parent_span_id or s.data.parent_span_id in ids for s in got)
                and any(s.data.kind == Span.SPAN_KIND_SERVER for s in got)
            )

        assert self.sink.wait_for(whole)
        return Seen(
            spans(), [record.attributes for record in records], self.counted() - self.before
        )


@dataclass
class Seen:
    spans: list[Any]
    records: list[dict[str, Any]]
    counted: Counter[tuple[tuple[str, Any], ...]]

    @property
    def record(self) -> dict[str, Any]:
        (record,) = self.records
        return record

    @property
    def tree(self) -> set[tuple[str, str, str]]:
        """Each span: its kind, its name, its parent's name."""
        names = {span.data.span_id: span.data.name for span in self.spans}
        return {
            (
                KINDS[span.data.kind],
                span.data.name,
                names[span.data.parent_span_id] if span.data.parent_span_id else "",
            )
            for span in self.spans
        }

    def counts(self) -> dict[tuple[str, str, str], int]:
        return {
            (dict(labels)["model"], dict(labels)["provider"], dict(labels)["status"]): count
            for labels, count in self.counted.items()
        }

    def span(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.data.name == name]
        return span


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    sink = Sink().start()
    authority = Authority(tmp_path_factory.mktemp("certificates") / "authority")
    identity = authority.issue("provider", "127.0.0.1")
    with Provider() as provider, served(tools()) as tools_url, served(agent()) as agent_url:
        secure_url = provider.listen_securely(identity.certificate, identity.key)
        env = {
            "SSL_CERT_FILE": str(authority.certificate),
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
            "OPENAI_API_BASE": provider.url,
            "ANTHROPIC_API_BASE": provider.url,
            "GEMINI_API_BASE": provider.url,
            **SECRETS,
        }
        with (
            running_proxy(
                tmp_path_factory.mktemp("routes"),
                provider,
                config=yaml.safe_dump(
                    config(provider, secure_url, tools_url, agent_url), sort_keys=False
                ),
                env=env,
            ) as proxy,
            httpx.Client(
                base_url=proxy.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60
            ) as client,
        ):
            yield Gateway(proxy, provider, sink, client)
    sink.stop()


@pytest.fixture
def gateway(started: Gateway) -> Gateway:
    started.mark()
    return started


# -- pass-through ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Passed:
    """One passed-through request that goes well."""

    path: str
    body: dict[str, Any]
    server: str
    attempt: str
    provider: str
    model: str
    headers: tuple[tuple[str, str], ...] = ()
    stream: bool = False
    tokens: bool = True
    """Whether LiteLLM's own accounting of pass-through tells tokens for a server of this address."""
    route: str = ""

    @property
    def id(self) -> str:
        return self.path.partition("?")[0].strip("/") + ("-streamed" if self.stream else "")


ANTHROPIC = (("anthropic-version", "2023-06-01"),)
GOOGLE = (("x-goog-api-key", KEY),)
CLAUDE = {**CHAT, "model": "claude-sonnet-4-5", "max_tokens": 5}
PASSED = (
    Passed(
        "/openai/v1/chat/completions",
        CHAT,
        "POST /openai/{endpoint:path}",
        "chat gpt-4o",
        "openai",
        "gpt-4o",
        tokens=False,
    ),
    Passed(
        "/openai/v1/chat/completions",
        {**CHAT, "stream": True},
        "POST /openai/{endpoint:path}",
        "chat gpt-4o",
        "openai",
        "gpt-4o",
        stream=True,
        tokens=False,
    ),
    Passed(
        "/openai_passthrough/v1/embeddings",
        {"model": "text-embedding-3-small", "input": PROMPT},
        "POST /openai_passthrough/{endpoint:path}",
        "embeddings text-embedding-3-small",
        "openai",
        "text-embedding-3-small",
        tokens=False,
    ),
    Passed(
        "/anthropic/v1/messages",
        CLAUDE,
        "POST /anthropic/{endpoint:path}",
        "chat claude-sonnet-4-5",
        "anthropic",
        "claude-sonnet-4-5",
        ANTHROPIC,
    ),
    Passed(
        "/anthropic/v1/messages",
        {**CLAUDE, "stream": True},
        "POST /anthropic/{endpoint:path}",
        "chat claude-sonnet-4-5",
        "anthropic",
        "claude-sonnet-4-5",
        ANTHROPIC,
        stream=True,
        tokens=False,
    ),
    Passed(
        "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        CONTENTS,
        "POST /gemini/{endpoint:path}",
        "generate_content gemini-2.5-flash",
        "gemini",
        "gemini-2.5-flash",
        GOOGLE,
    ),
    Passed(
        "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        CONTENTS,
        "POST /gemini/{endpoint:path}",
        "generate_content gemini-2.5-flash",
        "gemini",
        "gemini-2.5-flash",
        GOOGLE,
        stream=True,
    ),
    Passed(
        "/weather", CHAT, "POST /weather", "chat gpt-4o", "pass_through", "gpt-4o", tokens=False
    ),
    Passed(
        "/azure/openai/deployments/hosted/chat/completions?api-version=2024-10-21",
        {**CHAT, "model": "hosted"},
        "POST /azure/{endpoint:path}",
        "pass_through gpt-4o",
        "azure",
        "hosted",
        route="route hosted",
        tokens=False,
    ),
    Passed(
        "/azure/openai/deployments/hosted/chat/completions?api-version=2024-10-21",
        {**CHAT, "model": "hosted", "stream": True},
        "POST /azure/{endpoint:path}",
        "pass_through gpt-4o",
        "azure",
        "hosted",
        route="route hosted",
        stream=True,
        tokens=False,
    ),
)


@pytest.mark.parametrize("case", PASSED, ids=lambda case: case.id)
def test_passed_through(gateway: Gateway, case: Passed) -> None:
    answer = gateway.client.post(case.path, json=case.body, headers=dict(case.headers))
    assert answer.status_code == 200, answer.text
    assert "word" in answer.text or "embedding" in answer.text

    seen = gateway.seen()
    expected = {("SERVER", case.server, "")}
    if case.route:
        expected.add(("INTERNAL", case.route, case.server))
    expected |= {
        ("CLIENT", case.attempt, case.route or case.server),
        ("CLIENT", "POST", case.attempt),
    }
    assert seen.tree == expected
    assert len(seen.spans) == len(expected)
    assert seen.counts() == {(case.model, case.provider, "success"): 1}
    assert seen.record["litellm.outcome"] == "completed"
    assert seen.record["url.path"] == case.path.partition("?")[0]
    about = seen.span(case.attempt).attributes
    assert about["litellm.outcome"] == "completed"
    assert about["server.port"] == gateway.provider.port
    assert about.get("gen_ai.request.stream", False) is case.stream
    if case.stream:
        assert about["gen_ai.response.time_to_first_chunk"] > 0
    if case.tokens:
        assert about["gen_ai.usage.input_tokens"] > 0
        assert about["gen_ai.usage.output_tokens"] > 0
        assert about["litellm.cost"] > 0
        assert seen.record["litellm.cost"] == about["litellm.cost"]
    if case.path == "/weather":
        assert about["litellm.cost"] == 0.25


@pytest.mark.parametrize(
    ("behaviour", "status", "error", "outcome"),
    [
        ("rate-limit", 429, "RateLimitError", "error"),
        ("server-error", 500, "InternalServerError", "error"),
        ("bad-request", 400, "BadRequestError", "rejected"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_provider_refuses_what_is_passed_through(
    gateway: Gateway, behaviour: str, status: int, error: str, outcome: str, stream: bool
) -> None:
    body = {**CHAT, "model": f"gpt-4o@{behaviour}", "stream": stream}
    answer = gateway.client.post("/openai/v1/chat/completions", json=body)
    assert answer.status_code == status

    seen = gateway.seen()
    attempt = seen.span(f"chat gpt-4o@{behaviour}")
    assert attempt.data.status.code == Status.STATUS_CODE_ERROR
    assert attempt.attributes["error.type"] == error
    assert attempt.attributes["http.response.status_code"] == status
    # What a client makes up as a model is no label until a provider has accepted it.
    assert seen.counts() == {("other", "openai", outcome): 1}
    assert seen.record["litellm.outcome"] == outcome
    assert seen.record["error.type"] == error


def test_stream_breaks_while_it_is_passed_through(gateway: Gateway) -> None:
    # Slowly: of what comes together with the end nothing is handed on.
    model = "gpt-4o@broken-stream-500ms-after-3"
    with pytest.raises(httpx.RemoteProtocolError):
        gateway.client.post(
            "/openai/v1/chat/completions", json={**CHAT, "model": model, "stream": True}
        )

    seen = gateway.seen()
    about = seen.span(f"chat {model}").attributes
    assert about["litellm.outcome"] == "error"
    # In how many pieces the provider's three arrive is the network's to say.
    assert 1 <= about["litellm.stream.chunks"] <= 3
    assert list(seen.counts().values()) == [1]
    assert seen.record["litellm.status"] == "error"


def test_client_leaves_a_stream_that_is_passed_through(gateway: Gateway) -> None:
    body = {**CHAT, "model": "gpt-4o@slow-200ms", "stream": True, "max_tokens": 100}
    with gateway.client.stream("POST", "/openai/v1/chat/completions", json=body) as answer:
        next(answer.iter_raw())

    seen = gateway.seen()
    about = seen.span("chat gpt-4o@slow-200ms").attributes
    assert about["litellm.outcome"] == "client_disconnected"
    assert 0 < about["litellm.stream.chunks"] < 50
    assert seen.counts() == {("gpt-4o@slow-200ms", "openai", "cancelled"): 1}
    assert seen.record["litellm.outcome"] == "client_disconnected"


def test_stream_is_not_held_up(gateway: Gateway) -> None:
    """Each chunk is with the client before the provider sends the last."""
    body = {**CHAT, "model": "gpt-4o@slow-100ms", "stream": True, "max_tokens": 1000}
    with gateway.client.stream("POST", "/openai/v1/chat/completions", json=body) as answer:
        for _, chunk in zip(range(5), answer.iter_raw(), strict=False):
            assert chunk
            assert gateway.provider.calls[-1].ending == "open"
    gateway.seen()


# -- other routes ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A request that LiteLLM has an entry point for, with a method of its own."""

    method: str
    path: str
    attempt: str
    server: str = ""
    json: Any = None

    @property
    def id(self) -> str:
        return f"{self.method} {self.path}"


ASKED = (
    Asked("GET", "/v1/files/file-1", "file_retrieve", "GET /v1/files/{file_id:path}"),
    Asked("DELETE", "/v1/files/file-1", "file_delete", "DELETE /v1/files/{file_id:path}"),
    Asked("GET", "/v1/files", "file_list"),
    Asked("GET", "/v1/batches/batch_1", "retrieve_batch", "GET /v1/batches/{batch_id:path}"),
    Asked("GET", "/openai/v1/models", "pass_through", "GET /openai/{endpoint:path}"),
    Asked("GET", "/v1/assistants", "get_assistants"),
    Asked("POST", "/v1/threads", "create_thread", json={}),
    Asked("GET", "/v1/threads/thread_1", "get_thread", "GET /v1/threads/{thread_id}"),
)


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.id)
def test_other_methods(gateway: Gateway, case: Asked) -> None:
    answer = gateway.client.request(case.method, case.path, json=case.json)
    assert answer.status_code == 200, answer.text

    seen = gateway.seen()
    server = case.server or f"{case.method} {case.path}"
    assert seen.tree == {
        ("SERVER", server, ""),
        ("CLIENT", case.attempt, server),
        ("CLIENT", case.method, case.attempt),
    }
    assert seen.counts() == {("other", "openai", "success"): 1}
    assert seen.record["http.request.method"] == case.method


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_run_of_an_assistant(gateway: Gateway, how: str) -> None:
    answer = gateway.client.post(
        "/v1/threads/thread_1/runs",
        json={"assistant_id": "asst_1", "stream": how == "streamed"},
    )
    assert answer.status_code == 200, answer.text
    seen = gateway.seen()
    about = seen.span("invoke_agent").attributes
    assert about["litellm.outcome"] == "completed"
    assert about["gen_ai.usage.output_tokens"] == 3
    assert about.get("gen_ai.request.stream", False) is (how == "streamed")
    assert seen.counts() == {("other", "openai", "success"): 1}


NOT_ASKED = (
    ("GET", "/v1/models"),
    ("GET", "/models"),
    ("GET", "/v1/model/info"),
    ("GET", "/health/liveliness"),
    ("GET", "/health/readiness"),
    ("GET", "/key/info"),
    ("POST", "/key/generate"),
    ("GET", "/"),
    ("GET", "/openapi.json"),
    ("POST", "/utils/token_counter"),
    ("OPTIONS", "/v1/chat/completions"),
    ("GET", "/nowhere"),
)


def test_what_is_no_request(gateway: Gateway) -> None:
    for method, path in NOT_ASKED:
        gateway.client.request(method, path, json=CHAT if method == "POST" else None)
    assert gateway.client.post("/v1/chat/completions", json={**CHAT, "model": "fast"}).is_success
    assert gateway.seen().counts() == {("fast", "openai", "success"): 1}


def test_refused(gateway: Gateway) -> None:
    """A wrong key: a request that never comes to a provider."""
    wrong = {"Authorization": "Bearer sk-wrong"}
    answer = gateway.client.get("/v1/files/file-1", headers=wrong)
    assert answer.status_code in (400, 401)
    answer = gateway.client.post("/openai/v1/chat/completions", json=CHAT, headers=wrong)
    assert answer.status_code in (400, 401)
    seen = gateway.seen(2)
    assert seen.counts() == {("other", "none", "rejected"): 2}
    assert {kind for kind, *_ in seen.tree} == {"SERVER"}


# -- websockets --------------------------------------------------------------------------------


def connect(gateway: Gateway, path: str, key: str = KEY) -> Any:
    return websockets.sync.client.connect(
        gateway.proxy.url.replace("http", "ws") + path,
        additional_headers={"Authorization": f"Bearer {key}"},
        open_timeout=60,
    )


def until_event(session: Any, kind: str) -> dict[str, Any]:
    while True:
        event = json.loads(session.recv(timeout=60))
        if event["type"] == kind:
            return event


def drain(session: Any) -> None:
    while True:
        session.recv(timeout=60)


TALK = {
    ("SERVER", "HTTP /v1/realtime", ""),
    ("INTERNAL", "route talk", "HTTP /v1/realtime"),
    ("CLIENT", "realtime gpt-4o-realtime-preview", "route talk"),
}


def test_realtime(gateway: Gateway) -> None:
    with connect(gateway, "/v1/realtime?model=talk") as session:
        until_event(session, "session.created")
        said = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": PROMPT}],
        }
        session.send(json.dumps({"type": "conversation.item.create", "item": said}))
        until_event(session, "conversation.item.created")
        for _ in range(2):
            session.send(json.dumps({"type": "response.create"}))
            until_event(session, "response.done")

    seen = gateway.seen()
    assert seen.tree == TALK
    about = seen.span("realtime gpt-4o-realtime-preview").attributes
    assert about["litellm.outcome"] == "completed"
    # The sum of two answers.
    assert about["gen_ai.usage.input_tokens"] == 24
    assert about["gen_ai.usage.output_tokens"] == 10
    assert about["gen_ai.usage.cache_read.input_tokens"] == 8
    assert about["gen_ai.usage.audio.output_tokens"] == 4
    assert seen.counts() == {("talk", "openai", "success"): 1}
    assert seen.record["litellm.outcome"] == "completed"
    assert seen.record["http.response.status_code"] == 101
    assert seen.record["gen_ai.usage.output_tokens"] == 10


def closes_normally(gateway: Gateway, session: Any) -> None:
    until_event(session, "session.created")
    gateway.provider.sessions.close_all(1000, "that is it")
    with pytest.raises(websockets.ConnectionClosedOK):
        drain(session)


def closes_with_an_error(gateway: Gateway, session: Any) -> None:
    until_event(session, "session.created")
    gateway.provider.sessions.close_all(1011, "out of order")
    with pytest.raises(websockets.ConnectionClosedError):
        drain(session)


def breaks_off(_: Gateway, session: Any) -> None:
    until_event(session, "session.created")
    session.send(json.dumps({"type": "response.create"}))
    with pytest.raises(websockets.ConnectionClosedError):
        drain(session)


def refuses(_: Gateway, session: Any) -> None:
    with pytest.raises(websockets.ConnectionClosedError):
        drain(session)


SESSIONS: tuple[tuple[str, Callable[[Gateway, Any], None], str, str, str], ...] = (
    ("talk", closes_normally, "completed", "success", ""),
    ("talk", closes_with_an_error, "error", "error", "ConnectionClosed 1011"),
    ("talk-broken", breaks_off, "error", "error", "ConnectionClosed 1011"),
    ("talk-refused", refuses, "error", "error", "ConnectionClosed 1011"),
)


@pytest.mark.parametrize("case", SESSIONS, ids=lambda case: case[1].__name__)
def test_how_the_provider_ends_a_session(
    gateway: Gateway, case: tuple[str, Callable[[Gateway, Any], None], str, str, str]
) -> None:
    group, happen, outcome, status, error = case
    with connect(gateway, f"/v1/realtime?model={group}") as session:
        happen(gateway, session)

    seen = gateway.seen()
    (attempt,) = [span for span in seen.spans if span.data.name.startswith("realtime ")]
    assert attempt.attributes["litellm.outcome"] == outcome
    assert attempt.attributes.get("error.type", "") == error
    assert seen.span(f"route {group}").attributes["litellm.outcome"] == outcome
    assert seen.counts() == {(group, "openai", status): 1}
    assert seen.record["litellm.outcome"] == outcome


@pytest.mark.parametrize(
    ("path", "key", "model"),
    [
        ("/v1/realtime?model=talk", "sk-wrong", "talk"),
        ("/v1/realtime", KEY, "other"),
        ("/v1/realtime?model=unheard-of", KEY, "other"),
    ],
    ids=["wrong key", "no model", "unknown model"],
)
def test_session_is_refused(gateway: Gateway, path: str, key: str, model: str) -> None:
    with (
        pytest.raises((websockets.InvalidStatus, websockets.ConnectionClosed)),
        connect(gateway, path, key) as session,
    ):
        drain(session)
    seen = gateway.seen()
    assert seen.tree == {("SERVER", "HTTP /v1/realtime", "")}
    assert seen.counts() == {(model, "none", "rejected"): 1}


@pytest.mark.parametrize(
    ("group", "model", "provider"),
    [("native", "gpt-4o", "openai"), ("claude", "claude-sonnet-4-5", "anthropic")],
)
def test_responses_over_a_websocket(
    gateway: Gateway, group: str, model: str, provider: str
) -> None:
    """To a provider that has such sessions itself, and to one for which LiteLLM makes calls."""
    with connect(gateway, f"/v1/responses?model={group}") as session:
        session.send(json.dumps({"type": "response.create", "model": group, "input": PROMPT}))
        until_event(session, "response.completed")

    seen = gateway.seen()
    about = seen.span(f"chat {model}").attributes
    assert about["litellm.outcome"] == "completed"
    assert about["gen_ai.usage.output_tokens"] > 0
    assert seen.counts() == {(group, provider, "success"): 1}


def is_closed(session: Any) -> None:
    with pytest.raises(websockets.ConnectionClosed):
        drain(session)


def is_cut_off(session: Any) -> None:
    """LiteLLM does not tell its client, and closes when it can't hand on what the client says next."""
    until_event(session, "response.created")
    until_event(session, "response.output_text.delta")
    with pytest.raises(websockets.ConnectionClosed):
        until(lambda: speak_on(session), what="the end of the session", timeout=60, interval=0)


def speak_on(session: Any) -> None:
    session.send(json.dumps({"type": "response.create", "input": PROMPT}))
    with suppress(TimeoutError):
        session.recv(timeout=0.05)


@pytest.mark.parametrize(
    ("group", "goes_on"), [("native-refused", is_closed), ("native-broken", is_cut_off)]
)
def test_a_session_of_responses_that_fails(
    gateway: Gateway, group: str, goes_on: Callable[[Any], None]
) -> None:
    with connect(gateway, f"/v1/responses?model={group}") as session:
        session.send(json.dumps({"type": "response.create", "model": group, "input": PROMPT}))
        goes_on(session)

    seen = gateway.seen()
    (attempt,) = [span for span in seen.spans if span.data.name.startswith("chat ")]
    assert attempt.attributes["litellm.outcome"] == "error"
    assert attempt.data.status.code == Status.STATUS_CODE_ERROR
    assert seen.counts() == {(group, "openai", "error"): 1}
    assert seen.record["litellm.outcome"] == "error"


# -- tools and agents --------------------------------------------------------------------------


def server_id(gateway: Gateway) -> str:
    """LiteLLM's id of the MCP server; asking for it is a request as well."""
    listed = gateway.client.get("/mcp-rest/tools/list").json()["tools"]
    assert {tool["name"] for tool in listed} == {"add", "fail"}
    assert gateway.seen().counts() == {("other", "none", "success"): 1}
    gateway.mark()
    return str(listed[0]["mcp_info"]["server_id"])


def test_tool_over_rest(gateway: Gateway) -> None:
    body = {"server_id": server_id(gateway), "name": "add", "arguments": {"first": 1, "second": 2}}
    answer = gateway.client.post("/mcp-rest/tools/call", json=body)
    assert answer.status_code == 200, answer.text
    assert '"3"' in answer.text

    seen = gateway.seen()
    attempt = seen.span("execute_tool add")
    assert attempt.data.kind == Span.SPAN_KIND_CLIENT
    assert ("CLIENT", "execute_tool add", "POST /mcp-rest/tools/call") in seen.tree
    assert attempt.attributes["gen_ai.tool.name"] == "add"
    assert attempt.attributes["mcp.method.name"] == "tools/call"
    assert seen.counts() == {("other", "mcp", "success"): 1}


def test_failing_tool(gateway: Gateway) -> None:
    body = {"server_id": server_id(gateway), "name": "fail", "arguments": {"reason": PROMPT}}
    gateway.client.post("/mcp-rest/tools/call", json=body)
    seen = gateway.seen()
    attempt = seen.span("execute_tool fail")
    assert attempt.attributes["error.type"] == "tool_error"
    assert attempt.attributes["litellm.outcome"] == "error"
    assert seen.counts() == {("other", "mcp", "error"): 1}


async def call_tools(gateway: Gateway, count: int) -> None:
    """A session of an MCP client with the proxy: it says hello, asks for tools, and calls one."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    http = create_mcp_http_client(headers={"Authorization": f"Bearer {KEY}"})
    async with (
        http,
        streamable_http_client(f"{gateway.proxy.url}/mcp/", http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        assert len((await session.list_tools()).tools) == 2
        for _ in range(count):
            await session.call_tool("calc-add", {"first": 1, "second": 2})


async def test_tools_over_mcp(gateway: Gateway) -> None:
    """Of a session's many messages, those are requests that call a tool."""
    await call_tools(gateway, 2)
    seen = gateway.seen(2)
    attempt = seen.span("execute_tool calc-add")
    assert attempt.attributes["litellm.outcome"] == "completed"
    assert seen.counts() == {("other", "mcp", "success"): 2}


LOOP_TOOL = {
    "type": "mcp",
    "server_label": "calc",
    "server_url": "litellm_proxy/mcp/calc",
    "require_approval": "never",
}
"""A tool that LiteLLM is to call itself."""


def spent(gateway: Gateway) -> Counter[str]:
    """Tokens and dollars so far, as counted by model."""
    names = ("litellm_input_tokens_metric", "litellm_output_tokens_metric", "litellm_spend_metric")
    last: dict[tuple[str, str], float] = {}
    for metric in gateway.sink.metrics:
        if metric.data.name in names:
            for point in metric.data.sum.data_points:
                if attributes(point).get("requested_model") == "fast":
                    value = point.as_double or point.as_int
                    last[metric.data.name, str(sorted(attributes(point).items()))] = value
    total: Counter[str] = Counter()
    for (name, _), value in last.items():
        total[name] += value  # pyright: ignore[reportArgumentType]
    return total


def said_by(gateway: Gateway, usages: list[tuple[int, int]]) -> Counter[str]:
    """What these answers of the provider took: input and output tokens of each, by gpt-4o's prices."""
    given, made = (sum(each) for each in zip(*usages, strict=True))
    cost = given * 2.5e-6 + made * 1e-5
    return Counter(
        litellm_input_tokens_metric=given,
        litellm_output_tokens_metric=made,
        litellm_spend_metric=cost,  # pyright: ignore[reportArgumentType]
    )


LOOPS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", CHAT),
    "chat, streamed": (
        "/v1/chat/completions",
        {**CHAT, "stream": True, "stream_options": {"include_usage": True}},
    ),
    "responses": ("/v1/responses", {"input": PROMPT}),
    "responses, streamed": ("/v1/responses", {"input": PROMPT, "stream": True}),
}


@pytest.mark.parametrize("how", LOOPS)
def test_tools_that_litellm_calls_itself(gateway: Gateway, how: str) -> None:
    """It calls the tool that the model wants, and asks the model again: one request, with calls in it."""
    before = spent(gateway)
    path, asked = LOOPS[how]
    required = {"model": "fast", "tools": [LOOP_TOOL], "tool_choice": "required"}
    answer = gateway.client.post(path, json={**asked, **required})
    assert answer.status_code == 200, answer.text

    seen = gateway.seen(within=3)
    assert seen.counts() == {("fast", "openai", "success"): 1}
    assert seen.record["litellm.attempts"] == 1
    (call,) = [s for s in seen.spans if s.attributes.get("litellm.attempt.delegated")]
    made = [
        s
        for s in sorted(seen.spans, key=lambda span: span.data.start_time_unix_nano)
        if s.data.parent_span_id == call.data.span_id and "litellm.call.type" in s.attributes
    ]
    assert [s.data.name for s in made] == ["chat gpt-4o", "execute_tool add", "chat gpt-4o"]
    first, tool_call, second = (s.attributes for s in made)
    assert tool_call["gen_ai.tool.name"] == "add"
    assert second["gen_ai.usage.input_tokens"] > first["gen_ai.usage.input_tokens"] > 0
    for told in (first, second, call.attributes, seen.span("route fast").attributes):
        assert told["litellm.outcome"] == "completed"
    for told in (first, second):
        assert "litellm.attempt.delegated" not in told
        assert told["gen_ai.request.model"] == "gpt-4o"

    words = DEFAULT_LENGTH
    usages = [(call.tokens - words, words) for call in gateway.provider.calls[-2:]]
    for told, (tokens, _) in zip((first, second), usages, strict=True):
        assert told["gen_ai.usage.input_tokens"] == tokens
        assert told["gen_ai.usage.output_tokens"] == words
        assert told["litellm.cost"] == pytest.approx(tokens * 2.5e-6 + words * 1e-5)
    in_all = said_by(gateway, usages)
    for told in (call.attributes, seen.record):
        assert told["gen_ai.usage.input_tokens"] == in_all["litellm_input_tokens_metric"]
        assert told["gen_ai.usage.output_tokens"] == in_all["litellm_output_tokens_metric"]
        assert told["litellm.cost"] == pytest.approx(in_all["litellm_spend_metric"])

    def counted() -> bool:
        more = spent(gateway)
        more.subtract(before)
        return more == pytest.approx(in_all)

    assert gateway.sink.wait_for(counted)


def test_client_leaves_while_litellm_calls_tools_itself(gateway: Gateway) -> None:
    asked = {**CHAT, "model": "slow", "tools": [LOOP_TOOL], "stream": True, "max_tokens": 50}
    with gateway.client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        next(answer.iter_raw())

    seen = gateway.seen(within=1)
    outer, inner = sorted(
        (s for s in seen.spans if s.data.name == "chat gpt-4o@slow-300ms"),
        key=lambda span: span.data.start_time_unix_nano,
    )
    assert inner.data.parent_span_id == outer.data.span_id
    for span in (outer, inner, seen.span("route slow")):
        assert span.attributes["litellm.outcome"] == "client_disconnected"
    assert seen.counts() == {("slow", "openai", "cancelled"): 1}


@pytest.mark.parametrize("method", ["message/send", "message/stream"])
def test_agent(gateway: Gateway, method: str) -> None:
    said = {"role": "user", "parts": [{"kind": "text", "text": PROMPT}], "messageId": "m"}
    answer = gateway.client.post(
        "/a2a/helper",
        json={"jsonrpc": "2.0", "id": "1", "method": method, "params": {"message": said}},
    )
    assert answer.status_code == 200, answer.text
    assert "word0" in answer.text

    seen = gateway.seen()
    attempt = seen.span("invoke_agent helper")
    assert attempt.data.kind == Span.SPAN_KIND_CLIENT
    assert attempt.attributes["litellm.outcome"] == "completed"
    assert attempt.attributes["gen_ai.agent.name"] == "helper"
    assert seen.counts() == {("a2a_agent/helper", "a2a_agent", "success"): 1}


def test_health_check_is_no_request(gateway: Gateway) -> None:
    """It asks providers, which has spans, but nobody asked for it."""
    assert gateway.client.get("/health", params={"model": "fast"}).status_code == 200
    assert gateway.client.post("/v1/chat/completions", json={**CHAT, "model": "fast"}).is_success
    assert gateway.seen().counts() == {("fast", "openai", "success"): 1}


# -- at the end --------------------------------------------------------------------------------


def test_nothing_secret_left(gateway: Gateway) -> None:
    left = str([gateway.sink.spans, gateway.sink.logs, gateway.sink.metrics])
    for secret in (PROMPT, "word1 ", KEY, CONFIGURED_KEY, *SECRETS.values(), "sk-of-the-"):
        assert secret not in left
    assert gateway.provider.failures == []


def test_nothing_of_ours_broke(gateway: Gateway) -> None:
    assert [line for line in gateway.proxy.lines("litellm-otel") if "failed" in line] == []
    assert gateway.proxy.lines("the call is not affected") == []


def test_server_shuts_down_in_mid_session(gateway: Gateway) -> None:
    """The last test of the module: it ends the proxy."""
    with connect(gateway, "/v1/realtime?model=talk") as session:
        until_event(session, "session.created")
        stopping = threading.Thread(target=gateway.proxy.stop)
        stopping.start()
        with pytest.raises(websockets.ConnectionClosed):
            drain(session)
    stopping.join(70)
    seen = gateway.seen()
    assert seen.tree == TALK
    assert seen.counts() == {("talk", "openai", "cancelled"): 1}
    assert seen.record["litellm.outcome"] == "cancelled"
