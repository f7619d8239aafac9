"""The table of the proxy's routes that lead to a provider, each with a request that goes well."""

from __future__ import annotations

from collections.abc import Mapping

from tests.component.matrix import (
    routes_of_media,
    routes_of_others,
    routes_of_storage,
    routes_of_text,
)
from tests.component.matrix.route import Route

GROUPS: Mapping[str, tuple[str, str]] = {
    "chat": ("openai/gpt-4o", "/v1"),
    "text": ("text-completion-openai/gpt-3.5-turbo-instruct", "/v1"),
    "vectors": ("openai/text-embedding-3-small", "/v1"),
    "claude": ("anthropic/claude-sonnet-4-5", ""),
    "google": ("gemini/gemini-2.5-flash", ""),
    "hosted": ("azure/gpt-4o", ""),
    "painter": ("openai/gpt-image-1", "/v1"),
    "ear": ("openai/whisper-1", "/v1"),
    "mouth": ("openai/tts-1", "/v1"),
    "ranker": ("cohere/rerank-v3.5", ""),
    "judge": ("openai/omni-moderation-latest", "/v1"),
    "reader": ("mistral/mistral-ocr-latest", "/v1"),
    "film": ("openai/sora-2", "/v1"),
    "grader": ("openai/gpt-4o", ""),
}
"""Model groups: LiteLLM's name of the model, and what comes after the stand-in's address."""

ROUTES: tuple[Route, ...] = (
    *routes_of_text.TEXT,
    *routes_of_media.MEDIA,
    *routes_of_storage.STORED,
    *routes_of_others.PASSED,
    *routes_of_others.OTHERS,
)

WITHOUT_ROUTE: Mapping[str, str] = {
    "realtime": "a websocket, with tests of its own",
    "realtime sessions": "what begins a websocket, or is one over WebRTC",
    "Responses websocket": "a websocket, with tests of its own",
    "agents": "Google's; LiteLLM's route for them keeps them in a database",
    "retrieval-augmented generation": "made of calls that have rows",
    "ingestion for retrieval": "made of calls that have rows",
    "code sandbox": "has no route",
}
"""Call kinds that are not asked for here, and why."""

_AS_ANOTHER = "another name of one that is asked"
_OF_ITS_OWN = "LiteLLM answers by itself"
_ELSEWHERE = "has tests of its own"
_NO_STANDIN = "nothing stands in for its provider; passed on like the others"
NOT_ASKED: Mapping[str, str] = {
    "/engines/*": _AS_ANOTHER,
    "/deployments/*": _AS_ANOTHER,
    "/cursor/chat/completions": _AS_ANOTHER,
    "/claude_code_gateway/*": _AS_ANOTHER,
    "/search": _AS_ANOTHER,
    "/openai_passthrough/*": _AS_ANOTHER,
    "/a2a/*/message/*": _AS_ANOTHER,
    "/vertex-ai/*": _NO_STANDIN,
    "/realtime*": _ELSEWHERE,
    "/mcp*": _ELSEWHERE,
    "/assistants/*": "deletes what others make",
    "/vector_stores/*/files/*": "as the store's others",
    "/interactions/*/cancel": "as one that is kept",
    "/responses/input_tokens": "counts without a call that LiteLLM gives a name",
    "/agents*": "Google's; LiteLLM keeps them in a database",
    "/rag/*": "made of calls that have rows",
    "*/count_tokens": _OF_ITS_OWN,
    "*:countTokens": _OF_ITS_OWN,
    "/models": _OF_ITS_OWN,
    "/cursor/*models": _OF_ITS_OWN,
    "/utils/*": _OF_ITS_OWN,
    "/vector_store/list": _OF_ITS_OWN,
    "/claude-code/*": _OF_ITS_OWN,
    "/a2a/*/.well-known/*": _OF_ITS_OWN,
    "/introspect": _OF_ITS_OWN,
    "/token": _OF_ITS_OWN,
    "/lens*": _OF_ITS_OWN,
    "/logs": _OF_ITS_OWN,
    "/traces*": _OF_ITS_OWN,
    **dict.fromkeys(
        (
            *(
                "/assemblyai/*",
                "/eu.assemblyai/*",
                "/azure_ai/*",
                "/azure_speech/*",
                "/bedrock/*",
                "/bespoke/*",
            ),
            *(
                "/cohere/*",
                "/comprehendmedical/*",
                "/cursor/*",
                "/deepgram/*",
                "/fal_ai/*",
                "/gigachat/*",
            ),
            *(
                "/langfuse/*",
                "/laya/*",
                "/milvus/*",
                "/mistral/*",
                "/nvidia_nim/*",
                "/openrouter/*",
            ),
            *(
                "/tinyfish/*",
                "/transcribe/*",
                "/typesafe/*",
                "/vertex_ai/*",
                "/vllm/*",
                "/watsonx/*",
            ),
        ),
        _NO_STANDIN,
    ),
}
"""Of LiteLLM's LLM API routes, without their versions: which are not asked for here, and why."""
