"""The proxy: each client's request, from the first byte to the last, whatever becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.model import Request
from litellm_otel.model.records import ANONYMOUS
from litellm_otel.reading.arguments import identity_of_key
from litellm_otel.reading.failures import failure_of
from litellm_otel.reading.routes import is_llm_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from litellm_otel.recorder import Recorder

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


class RequestMiddleware:
    """ASGI middleware around the proxy's routes, inside the server span. Changes nothing it sees."""

    def __init__(self, app: Any, recorder: Recorder) -> None:
        self.app = app
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._start(scope) if scope["type"] == "http" else None
        if request is None:
            await self.app(scope, receive, send)
            return
        token = self._recorder.start_request(request)
        answered = False

        async def watched_receive() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and not answered:
                request.disconnected = True
            return message

        async def watched_send(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                _response_started(request, message)
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                answered = True
            try:
                await send(message)
            except OSError:
                request.disconnected = True
                raise

        try:
            await self.app(scope, watched_receive, watched_send)
        except BaseException as exception:
            self._failed(request, exception)
            raise
        finally:
            self._end(request)
            self._recorder.leave_request(token)

    @guarded
    def _start(self, scope: Scope) -> Request | None:
        method, path = scope["method"], scope["path"]
        if not self._recorder.active or method not in ("POST", "PUT") or not is_llm_route(path):
            return None
        return Request(method=method, path=path, proxied=True)

    @guarded
    def _failed(self, request: Request, exception: BaseException) -> None:
        if isinstance(exception, Exception) and request.failure is None:
            request.failure = failure_of(exception)

    @guarded
    def _end(self, request: Request) -> None:
        self._recorder.end_request(request)


@guarded
def _response_started(request: Request, message: Message) -> None:
    request.status_code = message["status"]
    for name, value in message.get("headers") or ():
        if name.lower() == b"x-litellm-call-id":
            request.call_id = value.decode("latin-1")
            return


class ProxyFailures:
    """Watches ``ProxyLogging.post_call_failure_hook``: who was refused, and why."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def post_call_failure_hook(
        self,
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        self._note(args, kwargs)
        return await wrapped(*args, **kwargs)

    @guarded
    def _note(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        request = self._recorder.current_request()
        if request is None:
            return
        names = ("request_data", "original_exception", "user_api_key_dict")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        exception, auth = given.get("original_exception"), given.get("user_api_key_dict")
        if request.failure is None and isinstance(exception, BaseException):
            request.failure = failure_of(exception)
        if request.identity is ANONYMOUS and auth is not None:
            request.identity = identity_of_key(auth)
