"""The proxy: each client's request, from the first byte to the last, whatever becomes of it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, cast

from litellm_otel.boundary import guarded
from litellm_otel.hooks.last_resort import UNHANDLED
from litellm_otel.hooks.websockets import Sessions
from litellm_otel.model import Outcome, Request
from litellm_otel.reading.arguments import (
    claimed_identity,
    client_of,
    contents_of,
    identity_of_key,
)
from litellm_otel.reading.failures import (
    failure_of,
    failure_of_answer,
    failure_of_refusal,
    is_cancellation,
)
from litellm_otel.reading.routes import asks_a_provider, says_more_than_it_asks, served_model
from litellm_otel.reading.secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from litellm_otel.hooks.last_resort import LastResort
    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.recorder import Recorder

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


_CONTENT: Final = (
    *("messages", "prompt", "input", "instructions", "system"),
    *("contents", "system_instruction", "query", "documents"),
)
"""Where in the body of a request there is what must not be told."""


class RequestMiddleware:
    """ASGI middleware around the proxy's routes, inside the server span. Changes nothing it sees."""

    def __init__(self, app: Any, recorder: Recorder, last_resort: LastResort | None = None) -> None:
        self.app = app
        self._recorder = recorder
        self._last_resort = last_resort
        self._sessions = Sessions(recorder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._start(scope)
        if request is None:
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._sessions.run(self.app, request, scope, receive, send)
            return
        token = self._recorder.start_request(request)
        read = answered = False
        left: bool | None = False
        early: Message | None = None

        async def watched_receive() -> Message:
            nonlocal read, early
            if early is not None:
                message, early = early, None
                return message
            message = await receive()
            if message["type"] == "http.disconnect":
                request.disconnected = request.disconnected or not answered
            elif not message.get("more_body"):
                read = True
            return message

        async def watched_send(message: Message) -> None:
            nonlocal answered, early
            if message["type"] == "http.response.start":
                _response_started(request, message)
                if read and early is None and not request.disconnected:
                    # LiteLLM finishes whole answers for whoever has left; nobody else looks.
                    early = _what_has_come(receive)
                    request.disconnected = early is not None
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                answered = True
                # Before it leaves: the server span ends with it.
                self._end(request)
            try:
                await send(message)
            except OSError:
                request.disconnected = True
                raise

        try:
            await self.app(scope, watched_receive, watched_send)
        except BaseException as exception:
            left = self._failed(request, exception)
            raise
        finally:
            if not left:  # or else it stays the current one, by which it is found there
                self._end(request)
                self._recorder.leave_request(token)

    @guarded
    def _start(self, scope: Scope) -> Request | None:
        if not self._recorder.active or scope["type"] not in ("http", "websocket"):
            return None
        method = scope.get("method", "WEBSOCKET")
        path = scope["path"].removeprefix(scope.get("app_root_path", scope.get("root_path", "")))
        if not asks_a_provider(method, path):
            return None
        return Request(
            method="GET" if method == "WEBSOCKET" else method,
            path=path,
            proxied=True,
            provisional=says_more_than_it_asks(path),
        )

    @guarded
    def _failed(self, request: Request, exception: BaseException) -> bool:
        """Whether the request is still to be answered, and ended, by the application's last resort."""
        if is_cancellation(exception):
            if request.status_code is None and not request.disconnected:
                request.ending = Outcome.CANCELLED
            return False
        if request.failure is None:
            request.failure = failure_of(exception)
        if request.status_code is not None:
            return False
        request.status_code = UNHANDLED
        return self._last_resort is not None and self._last_resort.is_left(request)

    @guarded
    def _end(self, request: Request) -> None:
        status = request.status_code
        if request.failure is None and status is not None and status >= 400:
            request.failure = failure_of_answer(status)
        self._recorder.end_request(request, request.ending or None)


@guarded
def _response_started(request: Request, message: Message) -> None:
    request.status_code = message["status"]
    for name, value in message.get("headers") or ():
        if name.lower() == b"x-litellm-call-id":
            request.call_id = value.decode("latin-1")
            return


@guarded
def _what_has_come(receive: Receive) -> Message | None:
    """What the server has for us at this moment, after the request's body: that the client has left."""
    waiting = receive()
    if not inspect.iscoroutine(waiting):
        return None
    try:
        waiting.send(None)
    except StopIteration as answer:
        return answer.value
    waiting.close()
    return None


class Callers:
    """Watches authentication: who asks."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def user_api_key_auth_builder(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        auth = await wrapped(*args, **kwargs)
        self._note(auth)
        return auth

    @guarded
    def _note(self, auth: object) -> None:
        request = self._recorder.current_request()
        if request is not None and not request.calls:
            request.identity = identity_of_key(auth)


class ProxyFailures:
    """Watches ``ProxyLogging.post_call_failure_hook``: who was refused, and why."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def post_call_failure_hook(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        self._note(args, kwargs)
        return await wrapped(*args, **kwargs)

    @guarded
    def _note(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        request = self._recorder.current_request()
        if request is None:
            return
        names = ("request_data", "original_exception", "user_api_key_dict", "error_type")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        data, exception = given.get("request_data"), given.get("original_exception")
        asked = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        if request.failure is None and isinstance(exception, BaseException):
            request.failure = failure_of_refusal(
                exception,
                contents_of(asked, _CONTENT),
                secrets_of(asked),
                authenticating=given.get("error_type") is not None,
            )
        known = request.identity.completed_by(identity_of_key(given.get("user_api_key_dict")))
        request.identity = known.completed_by(claimed_identity(asked)).completed_by(
            client_of(asked)
        )
        if request.model is None:
            request.model = served_model(asked.get("model"))
        if request.call_id is None and isinstance(asked.get("litellm_call_id"), str):
            request.call_id = asked["litellm_call_id"]
