"""OpenAI's images, audio and videos: forms go in, and bytes come out of some of them."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

from .endpoint import Asked, Binary, Endpoint, Events, Invalid, Json, Reply, event
from .openai_api import OPENAI

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgAAIAAAUAAdLitfEAAAAASUVORK5CYII="
)
SECONDS_HEARD = 7.5
SECONDS_BILLED = 8
IMAGE_TOKENS_READ = 194
IMAGE_TOKENS_MADE = 272
AUDIO_TOKENS_HEARD = 14
SECONDS_OF_VIDEO = "4"

_IMAGE = base64.b64encode(PNG).decode()
_TRANSCRIPT = "word0 word1 word2"


# -- images -----------------------------------------------------------------------------------


def _number_of_images(asked: Asked) -> int:
    return int(asked.fields.get("n") or 1)


def image_usage(asked: Asked) -> dict[str, Any]:
    """What a GPT image model bills: tokens of the prompt and of images given, tokens of images made."""
    text = asked.words_asked
    read = IMAGE_TOKENS_READ * sum(len(uploads) for uploads in asked.files.values())
    made = IMAGE_TOKENS_MADE * _number_of_images(asked)
    return {
        "input_tokens": text + read,
        "input_tokens_details": {"text_tokens": text, "image_tokens": read},
        "output_tokens": made,
        "total_tokens": text + read + made,
    }


def _images(asked: Asked) -> Reply:
    by_tokens = asked.model.startswith("gpt-image")
    kind = "edit" if asked.endpoint.path.endswith("edits") else "generation"
    if asked.streamed:
        return Events(_image_events(asked, f"image_{kind}"))
    body: dict[str, Any] = {"created": int(time.time())}
    if by_tokens:
        size = {"size": "1024x1024", "quality": "low", "output_format": "png"}
        body |= {**size, "background": "opaque", "usage": image_usage(asked)}
    as_url = not by_tokens and asked.fields.get("response_format") != "b64_json"
    one = {"url": "https://images.example/standin.png"} if as_url else {"b64_json": _IMAGE}
    body["data"] = [one] * _number_of_images(asked)
    return Json(body)


def _image_events(asked: Asked, kind: str) -> Iterator[bytes]:
    about = {"created_at": int(time.time()), "size": "1024x1024", "quality": "low"}
    about |= {"background": "opaque", "output_format": "png", "b64_json": _IMAGE}
    for index in range(asked.fields.get("partial_images") or 1):
        partial = f"{kind}.partial_image"
        yield event({"type": partial, **about, "partial_image_index": index}, partial)
    done = f"{kind}.completed"
    yield event({"type": done, **about, "usage": image_usage(asked)}, done)


def _is_image(asked: Asked) -> Invalid | None:
    for name in ("image", "image[]"):
        for upload in asked.files.get(name, ()):
            if not upload.content.startswith(b"\x89PNG"):
                return Invalid(f"Invalid image file or mode for image {upload.name}.", "image")
    if not asked.files.get("image") and not asked.files.get("image[]"):
        return Invalid("Missing required parameter: 'image'.", "image")
    return None


# -- audio ------------------------------------------------------------------------------------


def _transcription(asked: Asked) -> Reply:
    wanted = asked.fields.get("response_format") or "json"
    if wanted in ("text", "srt", "vtt"):
        return Binary(_TRANSCRIPT.encode() + b"\n", "text/plain")
    if wanted == "verbose_json":
        usage = {"type": "duration", "seconds": SECONDS_BILLED}
        about = {"task": "transcribe", "language": "english", "duration": SECONDS_HEARD}
        return Json({**about, "text": _TRANSCRIPT, "segments": [], "usage": usage})
    if asked.model.startswith("whisper"):
        usage = {"type": "duration", "seconds": SECONDS_BILLED}
        return Json({"text": _TRANSCRIPT, "usage": usage})
    made = len(_TRANSCRIPT.split())
    usage = {
        "type": "tokens",
        "input_tokens": AUDIO_TOKENS_HEARD,
        "input_token_details": {"text_tokens": 0, "audio_tokens": AUDIO_TOKENS_HEARD},
        "output_tokens": made,
        "total_tokens": AUDIO_TOKENS_HEARD + made,
    }
    return Json({"text": _TRANSCRIPT, "usage": usage})


def _has_a_format(asked: Asked) -> Invalid | None:
    for upload in asked.files.get("file", ()):
        if not upload.name.endswith((".wav", ".mp3", ".m4a", ".flac", ".ogg", ".webm", ".mp4")):
            return Invalid(f"Unrecognized file format: {upload.name}.", "file")
    wanted = asked.fields.get("response_format")
    if wanted == "verbose_json" and not asked.model.startswith("whisper"):
        return Invalid(
            f"response_format '{wanted}' is not compatible with model", "response_format"
        )
    return None


def _speech(asked: Asked) -> Reply:
    # An MPEG frame's header, and as much of nothing as there was to be said.
    return Binary(b"\xff\xfb\x90\x00" + bytes(len(asked.fields["input"])), "audio/mpeg")


# -- videos -----------------------------------------------------------------------------------


def _video(asked: Asked) -> Reply:
    made_of = asked.fields.get("video") or {}
    about = {
        "id": asked.ids.get("video_id") or f"video_standin{asked.number:08d}",
        "object": "video",
        "created_at": int(time.time()),
        "status": "completed" if asked.endpoint.method == "GET" else "queued",
        "model": asked.model or "sora-2",
        "progress": 100 if asked.endpoint.method == "GET" else 0,
        "seconds": str(asked.fields.get("seconds") or SECONDS_OF_VIDEO),
        "size": asked.fields.get("size") or "720x1280",
        "remixed_from_video_id": asked.ids.get("video_id") or made_of.get("id"),
    }
    return Json(about)


def _videos(_: Asked) -> Reply:
    video = {"id": "video_standin", "object": "video", "model": "sora-2", "status": "completed"}
    video |= {"created_at": int(time.time()), "seconds": SECONDS_OF_VIDEO, "size": "720x1280"}
    ends = {"first_id": video["id"], "last_id": video["id"], "has_more": False}
    return Json({"object": "list", "data": [video], **ends})


def _video_content(_: Asked) -> Reply:
    return Binary(b"\x00\x00\x00\x18ftypmp42", "video/mp4")


def _character(asked: Asked) -> Reply:
    named = asked.fields.get("name") or "character"
    identifier = asked.ids.get("character_id") or f"char_standin{asked.number}"
    body = {"id": identifier, "object": "character", "name": named}
    return Json({**body, "created_at": int(time.time())})


def _known(asked: Asked) -> Invalid | None:
    wanted = asked.ids.get("video_id") or (asked.fields.get("video") or {}).get("id", "")
    if wanted.startswith("video_"):
        return None
    return Invalid(f"Video with id '{wanted}' not found.", "video_id", 404)


ENDPOINTS = (
    Endpoint(
        OPENAI,
        "POST",
        "/v1/images/generations",
        _images,
        required=("prompt",),
        content="prompt",
        streams=True,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/images/edits",
        _images,
        "form",
        required=("prompt",),
        content="prompt",
        check=_is_image,
        streams=True,
    ),
    Endpoint(OPENAI, "POST", "/v1/images/variations", _images, "form", check=_is_image),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/audio/transcriptions",
        _transcription,
        "form",
        required=("model", "file"),
        content="prompt",
        check=_has_a_format,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/audio/speech",
        _speech,
        required=("model", "input", "voice"),
        content="input",
    ),
    Endpoint(OPENAI, "POST", "/v1/videos", _video, "form", required=("prompt",), content="prompt"),
    Endpoint(OPENAI, "GET", "/v1/videos", _videos, ""),
    # Before the paths in which a video is named.
    Endpoint(
        OPENAI, "POST", "/v1/videos/characters", _character, "form", required=("name", "video")
    ),
    Endpoint(OPENAI, "GET", "/v1/videos/characters/{character_id}", _character, ""),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/videos/edits",
        _video,
        required=("prompt", "video"),
        content="prompt",
        check=_known,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/videos/extensions",
        _video,
        required=("prompt", "video", "seconds"),
        content="prompt",
        check=_known,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/videos/{video_id}/remix",
        _video,
        required=("prompt",),
        content="prompt",
        check=_known,
    ),
    Endpoint(OPENAI, "GET", "/v1/videos/{video_id}/content", _video_content, "", check=_known),
    Endpoint(OPENAI, "GET", "/v1/videos/{video_id}", _video, "", check=_known),
)
