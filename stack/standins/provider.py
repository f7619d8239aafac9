"""An OpenAI-compatible provider: chat and text completions, embeddings, responses.

Its base address is ``<url>/v1`` or ``<url>/<account>/v1``; an account can be switched to failing
and back (``POST /_standin/accounts/<account> {"behaviour": "unavailable"}``, or ``switch``). What
else a request meets is said by its model name, see ``behaviour``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from .behaviour import Behaviour, Error, behaviour_of, named
from .openai_api import ENDPOINTS, Answer, Endpoint
from .server import StandIn

_REQUESTS_LIMIT, _TOKENS_LIMIT = 500, 200_000


@dataclass
class Call:
    """One request as the provider saw it."""

    account: str
    path: str
    model: str
    behaviour: str
    stream: bool
    traceparent: str | None
    status: int | None = None
    chunks: int = 0
    ending: str = "open"  # answered, refused, cut (by us), gone (the client)
    at: float = field(default_factory=time.time)
    ended: float = 0.0


class Provider(StandIn):
    name = "Provider"

    def __init__(self, port: int | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(port, host)
        self.calls: list[Call] = []
        self._switched: dict[str, Behaviour] = {}
        self._misbehaved: Counter[str] = Counter()

    def base_url(self, account: str = "") -> str:
        return f"{self.url}/{account}/v1" if account else f"{self.url}/v1"

    def switch(self, account: str, behaviour: str = "ok") -> None:
        """Makes every request to an account behave in one way, or heals it with ``ok``."""
        if behaviour == "ok":
            self._switched.pop(account, None)
        else:
            self._switched[account] = named(behaviour)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        routes: list[web.AbstractRouteDef] = [
            web.post("/_standin/accounts/{account}", self._switch)
        ]
        for prefix in ("/v1", "/{account}/v1"):
            routes.append(web.get(f"{prefix}/models", self._models))
            for endpoint in ENDPOINTS:
                routes.append(web.post(prefix + endpoint.path, self._handler(endpoint)))
        return routes

    def state(self) -> dict[str, Any]:
        return {"calls": [asdict(call) for call in self.calls]}

    def forget(self) -> None:
        self.calls.clear()
        self._misbehaved.clear()

    # -- the API ----------------------------------------------------------------------------

    def _handler(self, endpoint: Endpoint) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(endpoint, request)

        return handle

    async def _handle(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        body: Any
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
        problem = endpoint.invalid(body)
        if problem is not None:
            self.refuse(request.path, problem.message, json.dumps(body)[:2000])
            return _error(400, problem.message, "invalid_request_error", None, problem.param)
        key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not key.startswith("sk-"):
            self.refuse(request.path, "no API key in Authorization: Bearer sk-…")
            return _error(
                401, "You didn't provide an API key.", "invalid_request_error", None, None
            )
        try:
            wanted = behaviour_of(body["model"])
        except KeyError as error:
            self.refuse(request.path, str(error))
            return _error(
                404,
                f"The model '{body['model']}' does not exist",
                "invalid_request_error",
                "model_not_found",
                None,
            )
        account = request.match_info.get("account", "")
        behaviour = self._switched.get(account) or self._due(wanted, endpoint, body)
        call = Call(
            account,
            endpoint.path,
            body["model"],
            behaviour.name,
            bool(body.get("stream")),
            request.headers.get("traceparent"),
        )
        self.calls.append(call)
        try:
            return await self._answer(request, endpoint, body, behaviour, call, key)
        except (asyncio.CancelledError, ConnectionError):
            call.ending = "gone" if call.ending == "open" else call.ending
            raise
        finally:
            call.ended = time.time()

    def _due(self, wanted: Behaviour, endpoint: Endpoint, body: dict[str, Any]) -> Behaviour:
        """The wanted behaviour, unless this key has met it as often as it should."""
        if wanted.first is None:
            return wanted
        key = hashlib.sha256(f"{body['model']}\0{endpoint.prompt(body)}".encode()).hexdigest()
        if self._misbehaved[key] >= wanted.first:
            return named("ok")
        self._misbehaved[key] += 1
        return wanted

    async def _answer(
        self,
        request: web.Request,
        endpoint: Endpoint,
        body: dict[str, Any],
        behaviour: Behaviour,
        call: Call,
        key: str,
    ) -> web.StreamResponse:
        if behaviour.delay and not (call.stream and behaviour.chunk_delay):
            await asyncio.sleep(behaviour.delay)
        if behaviour.error is not None:
            call.status, call.ending = behaviour.error.status, "refused"
            return _refusal(behaviour.error, key, endpoint.prompt(body))
        call.status = 200
        answer = Answer(endpoint, body, len(self.calls))
        if call.stream:
            return await self._stream(request, answer, behaviour, call)
        call.ending = "answered"
        return web.json_response(answer.whole(), headers=_headers(answer.usage["total_tokens"]))

    async def _stream(
        self, request: web.Request, answer: Answer, behaviour: Behaviour, call: Call
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={**_headers(answer.length), "Cache-Control": "no-cache"}
        )
        response.content_type = "text/event-stream"
        await response.prepare(request)
        for number, chunk in enumerate(answer.chunks()):
            if number == behaviour.break_after:
                call.ending = "cut"
                assert request.transport is not None
                request.transport.close()
                return response
            if behaviour.chunk_delay:
                await asyncio.sleep(behaviour.chunk_delay)
            await response.write(chunk)
            call.chunks += 1
        await response.write_eof()
        call.ending = "answered"
        return response

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []}, headers=_headers(0))

    async def _switch(self, request: web.Request) -> web.Response:
        account, wanted = request.match_info["account"], (await request.json())["behaviour"]
        try:
            self.switch(account, wanted)
        except KeyError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"account": account, "behaviour": wanted})


def _refusal(error: Error, key: str, prompt: str) -> web.Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    message = error.message.replace("{key}", key).replace("{prompt}", prompt)
    return _error(error.status, message, error.type, error.code, None, headers)


def _error(
    status: int,
    message: str,
    kind: str,
    code: str | None,
    param: str | None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return web.json_response(body, status=status, headers={**_headers(0), **(headers or {})})


def _headers(tokens: int) -> dict[str, str]:
    return {
        "openai-organization": "standin",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-request-id": f"req_{time.monotonic_ns():x}",
        "x-ratelimit-limit-requests": str(_REQUESTS_LIMIT),
        "x-ratelimit-remaining-requests": str(_REQUESTS_LIMIT - 1),
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": str(_TOKENS_LIMIT),
        "x-ratelimit-remaining-tokens": str(_TOKENS_LIMIT - tokens),
        "x-ratelimit-reset-tokens": "6ms",
    }
