"""OpenAI's realtime API as far as it is plain HTTP: client secrets, transcription sessions, WebRTC calls."""

from __future__ import annotations

import time

from .endpoint import Asked, Binary, Endpoint, Json, Reply
from .openai_api import OPENAI

_SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


def _client_secret(asked: Asked) -> Reply:
    session = {"type": "realtime", "object": "realtime.session", "model": "gpt-realtime"}
    session |= asked.fields.get("session") or {}
    secret = {"value": "ek_standin", "expires_at": int(time.time()) + 600}
    return Json({**secret, "session": {**session, "id": "sess_standin"}})


def _transcription_session(_: Asked) -> Reply:
    secret = {"value": "ek_standin", "expires_at": int(time.time()) + 600}
    about = {"id": "sess_standin", "object": "realtime.transcription_session"}
    return Json({**about, "client_secret": secret, "modalities": ["audio", "text"]})


def _call(_: Asked) -> Reply:
    return Binary(_SDP, "application/sdp")


ENDPOINTS = (
    Endpoint(OPENAI, "POST", "/v1/realtime/client_secrets", _client_secret),
    Endpoint(OPENAI, "POST", "/v1/realtime/transcription_sessions", _transcription_session),
    Endpoint(OPENAI, "POST", "/v1/realtime/calls", _call, "form", required=("sdp",)),
)
