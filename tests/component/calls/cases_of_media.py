"""Calls that make or read images, speech and film, and those that are billed by something else than tokens."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from stack.standins import openai_media, small_apis
from tests.component.calls.case import (
    BOTH,
    BY_PROVIDER,
    SECRET,
    WORDS,
    Case,
    answer,
    of_module,
)

if TYPE_CHECKING:
    from stack.standins.provider import Provider


def _png(_: Provider) -> io.BytesIO:
    return io.BytesIO(openai_media.PNG)


def _pngs(_: Provider) -> list[io.BytesIO]:
    return [io.BytesIO(openai_media.PNG)]


def _film(_: Provider) -> io.BytesIO:
    return io.BytesIO(b"mp4")


_IMAGES = (
    Case(
        module="images.main",
        function="image_generation",
        routed=BOTH,
        kind="image generation",
        model="gpt-image-1",
        arguments={"prompt": SECRET, "n": 2, "size": "1024x1024", "quality": "low"},
        usage={
            "input_tokens": WORDS,
            "output_tokens": 2 * openai_media.IMAGE_TOKENS_MADE,
            "image_input_tokens": 0,
        },
        quantity=2,
        costs=True,
    ),
    Case(
        module="images.main",
        function="image_generation",
        variant="by-image",
        routed=(),
        kind="image generation",
        model="dall-e-3",
        arguments={"prompt": SECRET},
        quantity=1,
    ),
    Case(
        module="images.main",
        function="image_edit",
        kind="image edit",
        model="gpt-image-1",
        arguments={"prompt": SECRET, "image": _pngs},
        usage={
            "input_tokens": WORDS + openai_media.IMAGE_TOKENS_READ,
            "output_tokens": openai_media.IMAGE_TOKENS_MADE,
            "image_input_tokens": openai_media.IMAGE_TOKENS_READ,
        },
        quantity=1,
        costs=True,
    ),
    Case(
        module="images.main",
        function="image_variation",
        routed=(),
        kind="image edit",
        model="dall-e-2",
        arguments={"image": _png},
        quantity=1,
    ),
)

_SPEECH = ("speech.wav", b"RIFF0000WAVE")
_AUDIO = (
    Case(
        module="main",
        function="transcription",
        kind="transcription",
        model="whisper-1",
        arguments={"file": _SPEECH, "prompt": SECRET},
        quantity=openai_media.SECONDS_BILLED,
        costs=True,
    ),
    Case(
        module="main",
        function="transcription",
        variant="by-token",
        routed=(),
        kind="transcription",
        model="gpt-4o-transcribe",
        arguments={"file": _SPEECH, "response_format": "json", "language": "en"},
        usage={
            "input_tokens": openai_media.AUDIO_TOKENS_HEARD,
            "output_tokens": 3,
            "audio_input_tokens": openai_media.AUDIO_TOKENS_HEARD,
        },
        costs=True,
    ),
    # By LiteLLM's native library, which sends it itself and tells no tokens.
    Case(
        module="main",
        function="transcription",
        variant="native",
        kind="transcription",
        provider="bedrock",
        version="",
        model="mistral.voxtral-mini-3b-2507",
        arguments={
            "file": _SPEECH,
            "aws_region_name": "us-east-1",
            "aws_access_key_id": "AKIAFROMCALLER012345",
            "aws_secret_access_key": "aws-secret-from-caller-0123456789",
        },
    ),
    Case(
        module="main",
        function="speech",
        kind="speech",
        model="tts-1",
        arguments={"input": SECRET, "voice": "alloy"},
        quantity=len(SECRET),
        costs=True,
    ),
)

_VIDEO: dict[str, Any] = {
    "told": answer(str, model="sora-2", status="queued"),
    "quantity": float(openai_media.SECONDS_OF_VIDEO),
}
_VIDEOS = (
    Case(
        module="videos.main",
        function="video_generation",
        routed=BOTH,
        kind="video",
        model="sora-2",
        arguments={"prompt": SECRET, "seconds": "4", "size": "720x1280"},
        costs=True,
        **_VIDEO,
    ),
    Case(
        module="videos.main",
        function="video_remix",
        routed=BOTH,
        kind="video",
        arguments={"video_id": "video_1", "prompt": SECRET},
        costs=True,
        **BY_PROVIDER,
        **_VIDEO,
    ),
    *(
        Case(
            module="videos.main",
            function=function,
            kind="video",
            arguments={"video_id": "video_1", "prompt": SECRET, **more},
            **BY_PROVIDER,
            **_VIDEO,
        )
        for function, more in (("video_edit", {}), ("video_extension", {"seconds": "4"}))
    ),
    *of_module(
        "videos.main",
        "videos",
        {
            "video_content": ({"video_id": "video_1"}, {}),
            "video_list": ({}, {}),
            "video_status": (
                {"video_id": "video_1"},
                answer(str, model="sora-2", status="completed"),
            ),
        },
        routed=BOTH,
        **BY_PROVIDER,
    ),
    *of_module(
        "videos.main",
        "videos",
        {
            "video_create_character": ({"name": "c", "video": _film}, answer(str)),
            "video_get_character": ({"character_id": "char_1"}, answer("char_1")),
        },
        **BY_PROVIDER,
    ),
)

_JUDGED = (
    Case(
        module="ocr.dispatch",
        function="ocr",
        routed=BOTH,
        kind="OCR",
        provider="mistral",
        model="mistral-ocr-latest",
        arguments={
            "document": {"type": "document_url", "document_url": "https://pages.example/a.pdf"}
        },
        quantity=small_apis.PAGES,
        told=answer(model="mistral-ocr-latest"),
        costs=True,
    ),
    Case(
        module="main",
        function="embedding",
        routed=BOTH,
        kind="embeddings",
        model="text-embedding-3-small",
        arguments={"input": [SECRET], "dimensions": 4, "encoding_format": "float"},
        parameters={"gen_ai.request.encoding_formats": ("float",)},
        usage={"input_tokens": WORDS},
        told=answer(model="text-embedding-3-small"),
        costs=True,
    ),
    Case(
        module="main",
        function="moderation",
        kind="moderation",
        model="omni-moderation-latest",
        arguments={"input": SECRET},
        twins=("async",),
        handed_on=("async",),
        told=answer(str, model="omni-moderation-latest"),
    ),
    Case(
        module="main",
        function="moderation",
        kind="moderation",
        arguments={"input": SECRET, "model": "omni-moderation-latest"},
        named_by="",
        twins=("sync",),
        routed=(),
        decorated=False,
        told=answer(str, model="omni-moderation-latest"),
    ),
    Case(
        module="rerank_api.main",
        function="rerank",
        kind="rerank",
        provider="cohere",
        model="rerank-v3.5",
        version="",
        arguments={"query": "which", "documents": [SECRET, "another"], "top_n": 1},
        quantity=small_apis.SEARCH_UNITS,
        told=answer("rerank-standin"),
        costs=True,
    ),
    Case(
        module="rerank_api.main",
        function="rerank",
        variant="by-token",
        routed=(),
        kind="rerank",
        provider="jina_ai",
        model="jina-reranker-v2-base-multilingual",
        version="",
        arguments={"query": "which", "documents": [SECRET, "another"]},
        usage={"input_tokens": WORDS + 1},
        told=answer(str),
        costs=True,
    ),
    *(
        Case(
            module="search.main",
            function="search",
            variant=searcher,
            kind="search",
            provider=searcher,
            version="",
            named_by="search_provider",
            arguments={"query": SECRET, "max_results": 3},
            quantity=1,
            costs=searcher == "tavily",
        )
        for searcher in ("tavily", "searxng")
    ),
    Case(
        module="decisions.main",
        function="decisions",
        routed=BOTH,
        kind="decisions",
        model="gpt-4o",
        arguments={
            "input": SECRET,
            "questions": [{"type": "predicate", "name": "ok", "instructions": "Is it?"}],
        },
        usage={
            "input_tokens": WORDS,
            "output_tokens": 1,
            "cache_read_input_tokens": 0,
            "reasoning_output_tokens": 0,
        },
        told=answer(model="gpt-4o"),
        costs=True,
    ),
    Case(
        module="systemone.main",
        function="systemone",
        routed=BOTH,
        kind="decisions",
        model="gpt-4o",
        arguments={
            "state": SECRET,
            "questions": {"ok": {"type": "noul", "instructions": "Is it?"}},
        },
        usage={"input_tokens": WORDS, "output_tokens": 1},
        told=answer(model="gpt-4o"),
        costs=True,
    ),
)

MEDIA = (*_IMAGES, *_AUDIO, *_VIDEOS, *_JUDGED)
