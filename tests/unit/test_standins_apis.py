"""Every endpoint of the provider stand-in: as strict as the real one, and misbehaving as it is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest

from stack.standins import anthropic_api, google_api, openai_api, small_apis
from stack.standins.endpoint import Api, Endpoint
from stack.standins.provider import ENDPOINTS, Provider
from stack.waiting import until

_KEYS: list[tuple[Api, dict[str, str]]] = [
    (openai_api.OPENAI, {"Authorization": "Bearer sk-test"}),
    (openai_api.AZURE, {"api-key": "test"}),
    (anthropic_api.ANTHROPIC, {"x-api-key": "test", "anthropic-version": "2023-06-01"}),
    (google_api.GOOGLE, {"x-goog-api-key": "test"}),
    (small_apis.COHERE, {"Authorization": "Bearer test"}),
    (small_apis.JINA, {"Authorization": "Bearer test"}),
    (small_apis.TAVILY, {"Authorization": "Bearer test"}),
    (small_apis.MISTRAL, {"Authorization": "Bearer test"}),
    (small_apis.SEARXNG, {}),
    (small_apis.E2B, {"X-API-Key": "test"}),
    (small_apis.E2B_SANDBOX, {"X-Access-Token": "test"}),
]
_IDS = {
    "response_id": "resp_1",
    "file_id": "file-1",
    "batch_id": "batch_1",
    "job_id": "ftjob-1",
    "vector_store_id": "vs_1",
    "container_id": "cntr_1",
    "eval_id": "eval_1",
    "run_id": "evalrun_1",
    "skill_id": "skill_1",
    "video_id": "video_1",
}
_MESSAGES = [{"role": "user", "content": "hello there"}]
_FIELDS: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": _MESSAGES,
    "contents": [{"role": "user", "parts": [{"text": "hello there"}]}],
    "max_tokens": 4,
    "documents": ["a", "b"],
    "document": {"type": "document_url", "document_url": "https://pages.example/a.pdf"},
    "questions": [{"type": "predicate", "name": "ok", "instructions": "Is it?"}],
    "data_source_config": {"type": "custom"},
    "testing_criteria": [{"type": "string_check"}],
    "data_source": {"type": "jsonl"},
    "training_file": "file-1",
    "input_file_id": "file-1",
    "video": {"id": "video_1"},
}
_PNG = ("a.png", b"\x89PNG", "image/png")
_UPLOADS = {
    "/v1/images/edits": {"image": _PNG},
    "/v1/images/variations": {"image": _PNG},
    "/v1/audio/transcriptions": {"file": ("a.wav", b"RIFF", "audio/wav")},
    "/v1/skills": {"files[]": ("s/SKILL.md", b"---", "text/markdown")},
    "/v1/videos/characters": {"video": ("a.mp4", b"mp4", "video/mp4")},
}


def keys_of(endpoint: Endpoint) -> dict[str, str]:
    return next(keys for api, keys in _KEYS if api is endpoint.api)


_PLAYED = [each for each in ENDPOINTS if any(api is each.api for api, _ in _KEYS)]


def _parameters(endpoints: Iterable[Endpoint]) -> list[Any]:
    return [pytest.param(each, id=f"{each.method} {each.path}") for each in endpoints]


PLAYED = _parameters(_PLAYED)
WITH_KEYS = _parameters(each for each in _PLAYED if each.api is not small_apis.SEARXNG)
WITH_BODIES = _parameters(each for each in _PLAYED if each.accepts)
WITH_FIELDS = _parameters(each for each in _PLAYED if each.required)
STREAMING = _parameters(each for each in _PLAYED if each.streams or each.always_streams)

_client = httpx.Client(timeout=60)


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with Provider() as stand_in:
        yield stand_in


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.forget()
    running.failures.clear()
    return running


def ask(
    provider: Provider,
    endpoint: Endpoint,
    *,
    account: str = "",
    without: str = "",
    keys: dict[str, str] | None = None,
    content_type: str | None = None,
    **more: Any,
) -> httpx.Response:
    """A good request to an endpoint, but for what is asked to be wrong."""

    def identifier(found: re.Match[str]) -> str:
        name = found[1]
        if name == "file_id" and "container" in endpoint.path:
            return "cfile_1"
        return _IDS.get(name, "one")

    path = re.sub(r"{(\w+)}", identifier, endpoint.path)
    fields = {name: _FIELDS.get(name, "hello there") for name in endpoint.required}
    if endpoint.path == "/v1/videos/characters":
        fields["video"] = None
    fields = {name: value for name, value in {**fields, **more}.items() if name != without}
    given: dict[str, Any] = {"headers": keys_of(endpoint) if keys is None else keys}
    if endpoint.accepts == "form":
        uploads = _UPLOADS.get(endpoint.path, {"file": ("a.jsonl", b"{}")})
        given["files"] = {name: file for name, file in uploads.items() if name != without}
        given["data"] = {
            name: str(value)
            for name, value in fields.items()
            if value is not None and name not in uploads
        }
        if not given["files"]:
            given["files"] = {"other": ("a.txt", b"x")}
    elif endpoint.accepts == "json":
        given["json"] = fields
    if "interactions" in endpoint.path and endpoint.accepts == "json":
        given["json"]["model"] = "gemini-2.5-flash"
    if path == "/search" and endpoint.method == "GET":
        given["params"] = {"q": "hello", "format": "json"}
    elif endpoint.always_streams:
        given["params"] = {"alt": "sse"}
    if content_type is not None:
        given.pop("json", None)
        given.pop("files", None)
        given.pop("data", None)
        given["content"] = b"{}"
        given["headers"] = {**given["headers"], "Content-Type": content_type}
    return _client.request(endpoint.method, provider.address(account) + path, **given)


@pytest.mark.parametrize("endpoint", PLAYED)
def test_a_good_request_is_answered(provider: Provider, endpoint: Endpoint) -> None:
    answer = ask(provider, endpoint)
    assert answer.status_code == 200, answer.text
    assert not provider.failures
    (call,) = provider.calls
    # The client has the answer's last byte before the stand-in has noted that it sent it.
    until(lambda: call.ending != "open", what="the end of the call", timeout=30)
    assert (call.path, call.ending, call.status) == (endpoint.path, "answered", 200)


@pytest.mark.parametrize("endpoint", PLAYED)
def test_each_endpoint_fails_as_its_api_does(provider: Provider, endpoint: Endpoint) -> None:
    answer = ask(provider, endpoint, account="north@unavailable")
    assert answer.status_code == 503
    assert "overloaded" in answer.text
    assert [call.behaviour for call in provider.calls] == ["unavailable"]


@pytest.mark.parametrize("endpoint", WITH_KEYS)
def test_a_key_belongs_in_the_right_header(provider: Provider, endpoint: Endpoint) -> None:
    wrong = {"X-Key": "sk-test", "anthropic-version": "2023-06-01"}
    assert ask(provider, endpoint, keys=wrong).status_code == 401
    assert provider.failures
    assert not provider.calls


@pytest.mark.parametrize("endpoint", WITH_BODIES)
def test_a_body_of_another_type_is_refused(provider: Provider, endpoint: Endpoint) -> None:
    assert ask(provider, endpoint, content_type="text/plain").status_code == 415


@pytest.mark.parametrize("endpoint", WITH_FIELDS)
def test_a_field_that_is_missing_is_named(provider: Provider, endpoint: Endpoint) -> None:
    for name in endpoint.required:
        answer = ask(provider, endpoint, without=name)
        assert answer.status_code == 400, name
        assert name in answer.text


@pytest.mark.parametrize("endpoint", STREAMING)
def test_each_stream_can_break(provider: Provider, endpoint: Endpoint) -> None:
    asked = {} if endpoint.always_streams else {"stream": True}
    with pytest.raises(httpx.RemoteProtocolError):
        ask(provider, endpoint, account="north@broken-stream-after-1", **asked)
    assert (provider.calls[0].chunks, provider.calls[0].ending) == (1, "cut")


def test_ids_that_nobody_gave_are_not_found(provider: Provider) -> None:
    for path in ("/v1/files/1", "/v1/responses/1", "/v1/vector_stores/1", "/v1/skills/1"):
        endpoint = next(each for each in ENDPOINTS if each.path.startswith(path[:-1] + "{"))
        answer = _client.get(provider.url + path, headers=keys_of(endpoint))
        assert answer.status_code == 404, path


def test_anthropic_wants_its_version(provider: Provider) -> None:
    endpoint = anthropic_api.ENDPOINTS[0]
    answer = ask(provider, endpoint, keys={"x-api-key": "test"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "anthropic-version: header is required"
