"""Calls that are made of others, run code, or set a realtime session up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from stack.standins import small_apis
from stack.standins.endpoint import DEFAULT_LENGTH
from tests.component.calls.case import BOTH, KEY, MESSAGES, SECRET, Case, answer, of_module

if TYPE_CHECKING:
    from stack.standins.provider import Provider


def _ingest_options(provider: Provider) -> dict[str, Any]:
    where = {"api_base": provider.base_url(), "api_key": KEY}
    return {"vector_store": {"custom_llm_provider": "openai", **where}}


_IN_TWO_MESSAGES = 15
"""Tokens of the message with what was found, and of the user's."""

_RAG = (
    *(
        Case(
            module="rag.main",
            function="query",
            routed=(),
            kind="retrieval-augmented generation",
            model="gpt-4o",
            arguments={
                "messages": MESSAGES,
                "retrieval_config": {"vector_store_id": "vs_1", "custom_llm_provider": "openai"},
            },
            stream=stream,
            twins=("async",) if stream else BOTH,  # the other's stream can't be read
            usage={}
            if stream
            else {
                "input_tokens": _IN_TWO_MESSAGES,
                "output_tokens": DEFAULT_LENGTH,
                "cache_read_input_tokens": 0,
                "reasoning_output_tokens": 0,
                "audio_input_tokens": 0,
                "audio_output_tokens": 0,
            },
            estimated=stream,
            told={
                **answer(str, model="gpt-4o"),
                "openai.response.service_tier": "default",
                "openai.response.system_fingerprint": "fp_standin",
                "gen_ai.response.finish_reasons": ("stop",),
            },
            costs=not stream,
            within=("retrieval vs_1", "chat gpt-4o"),
            delegates=True,
        )
        for stream in (False, True)
    ),
    Case(
        module="rag.main",
        function="ingest",
        routed=(),
        kind="ingestion for retrieval",
        named_by="",
        arguments={
            "ingest_options": _ingest_options,
            "file_data": ("d.txt", SECRET.encode(), "text/plain"),
        },
        told=answer(str, status="completed"),
        within=("create_vector_store", "create_file", "create_vector_store_file"),
    ),
)


class _ToTheStandIn(httpx.AsyncHTTPTransport):
    """E2B names a host for each sandbox, over TLS: all of them are the stand-in here."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._port = provider.port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


def _client_of_sandboxes(provider: Provider) -> Any:
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    handler = AsyncHTTPHandler()
    handler.client = httpx.AsyncClient(transport=_ToTheStandIn(provider))
    return handler


def _sandbox(_: Provider) -> Any:
    from litellm.llms.base_llm.sandbox.transformation import ContainerHandle

    handle = ContainerHandle(id="sbx1", provider="e2b", domain="e2b.app")
    handle.hidden_params = {"envd_access_token": small_apis.ACCESS_TOKEN}
    return handle


_SANDBOXES = of_module(
    "sandbox.main",
    "code sandbox",
    {
        "create_sandbox": ({}, answer(str)),
        "run_code": (
            {"container": _sandbox, "code": SECRET, "client": _client_of_sandboxes},
            {},
        ),
        "delete_sandbox": ({"container": "sbx1"}, {}),
        "code_interpreter_tool": ({"code": SECRET, "client": _client_of_sandboxes}, {}),
    },
    provider="e2b",
    version="",
    named_by="provider",
    twins=("async",),
    routed=(),
)

_REALTIME = of_module(
    "realtime_api.main",
    "realtime sessions",
    {
        "create_realtime_client_secret": ({}, {}),
        "create_realtime_transcription_session": ({}, answer("sess_standin")),
        "realtime_calls": ({"openai_ephemeral_key": "ek_0123456789", "sdp_body": b"v=0"}, {}),
    },
    model="gpt-realtime",
    version="",
    twins=("async",),
)

OTHERS = (*_RAG, *_SANDBOXES, *_REALTIME)
