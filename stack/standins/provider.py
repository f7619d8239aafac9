"""The providers that LiteLLM calls, in one stand-in: OpenAI, Azure, Anthropic, Google and smaller ones.

OpenAI's base address is ``<url>/v1`` or ``<url>/<account>/v1``, the others' ``<url>`` or ``<url>/<account>``.
An account can be switched to failing and back (``POST /_standin/accounts/<account>
{"behaviour": "unavailable"}``, or ``switch``), or be named for its behaviour, ``<account>@<behaviour>``, as
a model can: see ``behaviour``. What is asked within one trace can be met in a way of its own (``meet``), or
held until it is let go (``hold``).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from . import (
    anthropic_api,
    bedrock_api,
    google_api,
    openai_api,
    openai_assistants,
    openai_media,
    openai_realtime,
    openai_responses,
    openai_storage,
    small_apis,
)
from .behaviour import Behaviour, behaviour_of, named
from .endpoint import Asked, Binary, Endpoint, Events, Invalid, Problem, Upload
from .realtime_api import Sessions
from .server import StandIn

ENDPOINTS: tuple[Endpoint, ...] = (
    *openai_api.ENDPOINTS,
    *openai_responses.ENDPOINTS,
    *openai_media.ENDPOINTS,
    *openai_storage.ENDPOINTS,
    *openai_realtime.ENDPOINTS,
    *openai_assistants.ENDPOINTS,
    *anthropic_api.ENDPOINTS,
    *google_api.ENDPOINTS,
    *bedrock_api.ENDPOINTS,
    *small_apis.ENDPOINTS,
)


@dataclass
class Call:
    """One request as the provider saw it."""

    account: str
    path: str
    model: str
    behaviour: str
    stream: bool
    traceparent: str | None
    baggage: str | None = None
    status: int | None = None
    chunks: int = 0
    ending: str = "open"  # answered, refused, cut (by us), gone (the client)
    tokens: int = 0
    """Of question and answer together, where it was one of a model's."""
    at: float = field(default_factory=time.time)
    ended: float = 0.0


class Provider(StandIn):
    name = "Provider"

    def __init__(self, port: int | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(port, host)
        self.calls: list[Call] = []
        self._switched: dict[str, Behaviour] = {}
        self.met: dict[str, Behaviour] = {}
        """How the requests of a trace are met, where that was said."""
        self._held: set[str] = set()
        self._misbehaved: Counter[str] = Counter()
        self.sessions = Sessions(self.refuse)

    def address(self, account: str = "") -> str:
        """The base address of an API that has its version in its paths."""
        return f"{self.url}/{account}" if account else self.url

    def base_url(self, account: str = "") -> str:
        """The base address of OpenAI's API, and of those made like it."""
        return f"{self.address(account)}/v1"

    def switch(self, account: str, behaviour: str = "ok") -> None:
        """Makes every request to an account behave in one way, or heals it with ``ok``."""
        if behaviour == "ok":
            self._switched.pop(account, None)
        else:
            self._switched[account] = named(behaviour)

    def meet(self, trace: str, behaviour: str) -> None:
        """Makes every request of a trace, as its ``traceparent`` tells, behave in one way."""
        self.met[trace] = named(behaviour)

    def hold(self, trace: str) -> None:
        """Makes every request of a trace wait, before anything of its answer, until it is let go."""
        self._held.add(trace)

    def let_go(self, trace: str) -> None:
        self._held.discard(trace)

    async def held(self, trace: str) -> None:
        """Waits until the trace is let go, if it is held."""
        while trace in self._held:  # noqa: ASYNC110 - another thread lets it go
            await asyncio.sleep(0.01)

    def has_met(self, trace: str) -> bool:
        """Whether anything of a trace has come."""
        return any(trace in (call.traceparent or "") for call in self.calls)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        routes: list[web.AbstractRouteDef] = [
            web.post("/_standin/accounts/{account}", self._switch)
        ]
        for prefix in ("", "/{account}"):
            routes.append(web.get(f"{prefix}/v1/models", self._models))
            routes.extend(self.sessions.routes(prefix))
            for endpoint in ENDPOINTS:
                path = prefix + endpoint.path
                routes.append(web.route(endpoint.method, path, self._handler(endpoint)))
        return routes

    def state(self) -> dict[str, Any]:
        return {"calls": [asdict(call) for call in self.calls]}

    def forget(self) -> None:
        self.calls.clear()
        self._misbehaved.clear()

    # -- the APIs ---------------------------------------------------------------------------

    def _handler(self, endpoint: Endpoint) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(endpoint, request)

        return handle

    async def _handle(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        api = endpoint.api
        key = api.keys(request.headers) or request.query.get(api.key_parameter, "")
        asked = await self._read(endpoint, request)
        problem = asked if isinstance(asked, Invalid) else self._invalid(asked, request, key)
        if isinstance(asked, Invalid) or problem is not None:
            assert problem is not None
            self.refuse(request.path, problem.message)
            given = problem.status, problem.message, problem.type, problem.code, problem.param
            return _refused(endpoint, Problem(*given))
        account = request.match_info.get("account", "")
        traceparent = request.headers.get("traceparent")
        trace = traceparent.split("-")[1] if traceparent else ""
        wanted = self.met.get(trace)
        behaviour = self._switched.get(account) or (
            self._due(wanted, trace)
            if wanted
            else self._due(
                _wanted(asked, account), f"{asked.model}\0{endpoint.path}\0{asked.content}"
            )
        )
        call = Call(
            account,
            endpoint.path,
            asked.model,
            behaviour.name,
            asked.streamed,
            traceparent,
            request.headers.get("baggage"),
        )
        self.calls.append(call)
        try:
            await self.held(trace)
            return await self._answer(request, asked, behaviour, call, key)
        except (asyncio.CancelledError, ConnectionError):
            call.ending = "gone" if call.ending == "open" else call.ending
            raise
        finally:
            call.ended = time.time()

    async def _read(self, endpoint: Endpoint, request: web.Request) -> Asked | Invalid:
        fields: dict[str, Any] = {}
        files: dict[str, list[Upload]] = {}
        if endpoint.accepts == "form":
            if request.content_type != "multipart/form-data":
                return Invalid("Unsupported content type, send multipart/form-data", status=415)
            fields, files = await _form(request)
        elif endpoint.accepts == "json":
            if request.content_type != "application/json":
                return Invalid("Unsupported content type, send application/json", status=415)
            try:
                fields = json.loads(await request.read())
            except ValueError:
                return Invalid("We could not parse the JSON body of your request.")
            if not isinstance(fields, dict):
                return Invalid("We could not parse the JSON body of your request.")
        else:
            await request.read()
        ids = {name: value for name, value in request.match_info.items() if name != "account"}
        return Asked(endpoint, fields, files, ids, request.query, len(self.calls) + 1)

    def _invalid(self, asked: Asked, request: web.Request, key: str) -> Invalid | None:
        api = asked.endpoint.api
        if not key:
            message = f"You didn't provide an API key, as {api.key_header}."
            return Invalid(message, status=401)
        problem = api.needs(request.headers) or asked.endpoint.invalid(asked)
        if problem is not None:
            return problem
        try:
            _wanted(asked, request.match_info.get("account", ""))
        except KeyError as error:
            self.refuse(request.path, str(error))
            message = f"The model '{asked.model}' does not exist"
            return Invalid(message, status=404, code="model_not_found")
        return None

    def _due(self, wanted: Behaviour, of: str) -> Behaviour:
        """The wanted behaviour, unless this key has met it as often as it should."""
        if wanted.first is None:
            return wanted
        key = hashlib.sha256(of.encode()).hexdigest()
        if self._misbehaved[key] >= wanted.first:
            return named("ok")
        self._misbehaved[key] += 1
        return wanted

    async def _answer(
        self, request: web.Request, asked: Asked, behaviour: Behaviour, call: Call, key: str
    ) -> web.StreamResponse:
        if behaviour.delay and not (call.stream and behaviour.chunk_delay):
            await asyncio.sleep(behaviour.delay)
        endpoint = asked.endpoint
        if behaviour.hangs_up:
            call.ending = "cut"
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        error, problem = behaviour.error, None
        if error is not None:
            message = error.message.replace("{key}", key).replace("{prompt}", asked.content)
            problem = Problem(error.status, message, error.type, error.code)
            if not call.stream or behaviour.break_after is None:
                call.status, call.ending = error.status, "refused"
                after = error.retry_after
                headers = {} if after is None else {"Retry-After": str(after)}
                return _refused(endpoint, problem, headers)
        call.status = 200
        reply = endpoint.answer(asked)
        call.tokens = 0 if isinstance(reply, Binary) else reply.tokens
        if isinstance(reply, Events):
            return await self._stream(request, endpoint, reply, behaviour, call, problem)
        call.ending = "answered"
        if isinstance(reply, Binary):
            headers = {**endpoint.api.headers(0), "Content-Type": reply.content_type}
            return web.Response(body=reply.content, headers=headers)
        return web.json_response(reply.body, headers=dict(endpoint.api.headers(reply.tokens)))

    async def _stream(
        self,
        request: web.Request,
        endpoint: Endpoint,
        reply: Events,
        behaviour: Behaviour,
        call: Call,
        problem: Problem | None,
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={**endpoint.api.headers(reply.tokens), "Cache-Control": "no-cache"}
        )
        response.content_type = reply.content_type
        await response.prepare(request)
        for number, chunk in enumerate(reply.chunks):
            if number == behaviour.break_after and problem is not None:
                call.ending = "refused"
                said = json.dumps(endpoint.api.error(problem))
                await response.write(f"event: error\ndata: {said}\n\n".encode())
                return response
            if number == behaviour.break_after:
                call.ending = "cut"
                assert request.transport is not None
                request.transport.close()
                return response
            if behaviour.chunk_delay and number >= behaviour.slow_after:
                await asyncio.sleep(behaviour.chunk_delay)
            await response.write(chunk)
            call.chunks += 1
        await response.write_eof()
        call.ending = "answered"
        return response

    async def _models(self, request: web.Request) -> web.Response:
        headers = dict(openai_api.OPENAI.headers(0))
        return web.json_response({"object": "list", "data": []}, headers=headers)

    async def _switch(self, request: web.Request) -> web.Response:
        account, wanted = request.match_info["account"], (await request.json())["behaviour"]
        try:
            self.switch(account, wanted)
        except KeyError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"account": account, "behaviour": wanted})


def _wanted(asked: Asked, account: str) -> Behaviour:
    """What the model's name asks for, else what the account's does."""
    return behaviour_of(asked.model if "@" in asked.model else account)


async def _form(request: web.Request) -> tuple[dict[str, Any], dict[str, list[Upload]]]:
    """A form's fields, those that are true or false as such, and its files."""
    fields: dict[str, Any] = {}
    files: dict[str, list[Upload]] = defaultdict(list)
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            content_type = value.content_type
            files[name].append(Upload(value.filename, value.file.read(), content_type))
        else:
            text = value.decode() if isinstance(value, bytes | bytearray) else value
            fields[name] = {"true": True, "false": False}.get(text, text)
    return fields, dict(files)


def _refused(
    endpoint: Endpoint, problem: Problem, headers: dict[str, str] | None = None
) -> web.Response:
    body = endpoint.api.error(problem)
    given = {**endpoint.api.headers(0), **(headers or {})}
    return web.json_response(body, status=problem.status, headers=given)
