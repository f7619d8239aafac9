"""OpenAI's sessions over a websocket: the realtime API, and the Responses API's websocket mode.

What a session meets is said by its model's name, as elsewhere: refused at the handshake, slow, cut off
after so many events. ``close_all`` ends those that are open as the service would.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiohttp import WSMsgType, web

from .behaviour import Behaviour, behaviour_of
from .openai_api import OPENAI

WORDS = ("word0 ", "word1 ", "word2 ")
HEARD = "What I said aloud."
"""What every recording of the client's is said to say."""
SOUND = base64.b64encode(bytes(range(240))).decode()
"""What every word sounds like."""
USAGE = {
    "total_tokens": 17,
    "input_tokens": 12,
    "output_tokens": 5,
    "input_token_details": {"cached_tokens": 4, "text_tokens": 8, "audio_tokens": 4},
    "output_token_details": {"text_tokens": 3, "audio_tokens": 2},
}
RESPONSE_USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 17,
}
Event = dict[str, Any]
Answers = Callable[[Event, str, int], Iterator[Event]]
"""An event of the client's, the session's model and the number of answers so far → the events in answer."""


def _realtime(event: Event, model: str, number: int) -> Iterator[Event]:
    kind = event.get("type")
    if kind == "session.update":
        yield {"type": "session.updated", "session": _session(model)}
    elif kind == "conversation.item.create":
        yield {"type": "conversation.item.created", "item": {"id": "item_1", **event["item"]}}
    elif kind == "input_audio_buffer.append":
        base64.b64decode(event["audio"], validate=True)
    elif kind == "input_audio_buffer.commit":
        yield {"type": "input_audio_buffer.committed", "item_id": f"item_{number}"}
        heard = {"item_id": f"item_{number}", "content_index": 0, "transcript": HEARD}
        yield {"type": "conversation.item.input_audio_transcription.completed", **heard}
    elif kind == "response.create":
        yield from _response(event.get("response") or {}, number)
    else:
        raise ValueError(f"Invalid value: '{kind}'.")


def _response(wanted: Event, number: int) -> Iterator[Event]:
    """A tool's call where one is required, else words: spoken where that is wanted."""
    response = {"id": f"resp_{number}", "object": "realtime.response", "output": []}
    yield {"type": "response.created", "response": {**response, "status": "in_progress"}}
    about = {"response_id": f"resp_{number}", "item_id": f"item_a{number}", "output_index": 0}
    item: Event = {"id": f"item_a{number}", "type": "message", "role": "assistant"}
    if wanted.get("tool_choice") == "required":
        call = {"call_id": f"call_{number}", "name": wanted["tools"][0]["name"]}
        item = {"id": item["id"], "type": "function_call", **call, "arguments": ""}
        yield {"type": "response.output_item.added", **about, "item": item}
        item["arguments"] = '{"city": "Ulm"}'
        kind = "response.function_call_arguments.delta"
        yield {"type": kind, **about, "call_id": call["call_id"], "delta": item["arguments"]}
    elif "audio" in wanted.get("output_modalities", ()):
        yield {"type": "response.output_item.added", **about, "item": {**item, "content": []}}
        about["content_index"] = 0
        for word in WORDS:
            yield {"type": "response.output_audio.delta", **about, "delta": SOUND}
            yield {"type": "response.output_audio_transcript.delta", **about, "delta": word}
        item["content"] = [{"type": "output_audio", "transcript": "".join(WORDS)}]
    else:
        yield {"type": "response.output_item.added", **about, "item": {**item, "content": []}}
        about["content_index"] = 0
        for word in WORDS:
            yield {"type": "response.output_text.delta", **about, "delta": word}
        item["content"] = [{"type": "output_text", "text": "".join(WORDS)}]
    yield {"type": "response.output_item.done", **about, "item": item}
    done = {**response, "status": "completed", "output": [item], "usage": USAGE}
    yield {"type": "response.done", "response": done}


def _responses(event: Event, model: str, number: int) -> Iterator[Event]:
    if event.get("type") != "response.create":
        raise ValueError(f"Invalid value: '{event.get('type')}'.")
    response = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "model": event.get("model") or model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    yield {"type": "response.created", "response": {**response, "status": "in_progress"}}
    for word in WORDS:
        about = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        yield {"type": "response.output_text.delta", **about, "delta": word}
    said = {"type": "output_text", "text": "".join(WORDS), "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    output = [{**item, "content": [said]}]
    done = {**response, "status": "completed", "output": output, "usage": RESPONSE_USAGE}
    yield {"type": "response.completed", "response": done}


def _session(model: str) -> Event:
    return {"id": "sess_1", "object": "realtime.session", "model": model, "modalities": ["text"]}


class Sessions:
    """The endpoints of both, and the sessions that are open."""

    def __init__(self, refuse: Callable[[str, str], None]) -> None:
        self.opened: list[Mapping[str, Any]] = []
        """Path, model and traceparent of each session."""
        self._refuse = refuse
        self._open: set[web.WebSocketResponse] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def routes(self, prefix: str) -> Iterator[web.AbstractRouteDef]:
        yield web.get(f"{prefix}/v1/realtime", self._handler(_realtime, greets=True))
        yield web.get(f"{prefix}/v1/responses", self._handler(_responses, greets=False))

    def close_all(self, code: int = 1000, reason: str = "") -> None:
        """Close every open session from this side. Called from any thread but the server's."""
        assert self._loop is not None, "no session was ever opened"

        async def close() -> None:
            for session in tuple(self._open):
                await session.close(code=code, message=reason.encode())

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(60)

    def _handler(self, answers: Answers, *, greets: bool) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(request, answers, greets)

        return handle

    async def _handle(
        self, request: web.Request, answers: Answers, greets: bool
    ) -> web.StreamResponse:
        model = request.query.get("model", "")
        if not OPENAI.keys(request.headers):
            self._refuse(request.path, "no API key")
            return web.json_response(
                {"error": {"message": "You didn't provide an API key."}}, status=401
            )
        behaviour = behaviour_of(model)
        self.opened.append(
            {
                "path": request.path,
                "model": model,
                "traceparent": request.headers.get("traceparent"),
            }
        )
        if behaviour.error is not None:
            error = behaviour.error
            return web.json_response({"error": {"message": error.message}}, status=error.status)
        session = web.WebSocketResponse()
        await session.prepare(request)
        self._loop = asyncio.get_running_loop()
        self._open.add(session)
        try:
            if greets:
                await session.send_json({"type": "session.created", "session": _session(model)})
            await self._serve(request, session, answers, behaviour, model)
        finally:
            self._open.discard(session)
        return session

    async def _serve(
        self,
        request: web.Request,
        session: web.WebSocketResponse,
        answers: Answers,
        behaviour: Behaviour,
        model: str,
    ) -> None:
        sent = number = 0
        async for message in session:
            if message.type != WSMsgType.TEXT:
                self._refuse(request.path, f"a {message.type.name} message")
                continue
            try:
                events = answers(json.loads(message.data), model, number)
                for event in events:
                    if sent == behaviour.break_after:
                        assert request.transport is not None
                        request.transport.abort()
                        return
                    if behaviour.chunk_delay:
                        await asyncio.sleep(behaviour.chunk_delay)
                    await session.send_json({"event_id": f"event_{sent}", **event})
                    sent += 1
            except (ValueError, KeyError) as error:
                self._refuse(request.path, str(error))
                problem = {"type": "invalid_request_error", "message": str(error)}
                await session.send_json({"type": "error", "error": problem})
            number += 1
