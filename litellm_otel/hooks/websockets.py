"""Sessions over a websocket: realtime, the Responses API's, and what is passed through.

A session is one request. It is complete when either side closes it in order; what code it was closed with
tells the rest, also to the attempt below, for which LiteLLM hides how the provider left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litellm_otel.boundary import guarded
from litellm_otel.model import Outcome, Request
from litellm_otel.reading.failures import failure_of, failure_of_close

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.recorder import Recorder

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

IN_ORDER: Final = frozenset({1000, 1001, 1005})
"""Close codes of a session that ended as it should: normal, going away, none given.

Some servers say the last of a lost connection as well."""
SERVICE_RESTART: Final = 1012
"""What the proxy's server tells its app when it shuts down."""
SWITCHED: Final = 101


class Sessions:
    """Runs the proxy's app for one session, and watches how it ends."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def run(
        self, app: Any, request: Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        token = self._recorder.start_request(request)
        session = Session(request)
        if self._recorder.contents is not None:
            request.conversation = self._recorder.contents.conversation()

        async def watched_receive() -> Message:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                session.client_left(message)
            elif request.conversation is not None:
                session.said(message)
            return message

        async def watched_send(message: Message) -> None:
            session.server_said(message)
            if request.conversation is not None:
                session.said(message)
            await send(message)

        try:
            await app(scope, watched_receive, watched_send)
        except BaseException as exception:
            session.broke(exception)
            raise
        finally:
            self._end(session)
            self._recorder.leave_request(token)

    @guarded
    def _end(self, session: Session) -> None:
        self._recorder.end_request(session.request, session.request.ending)
        session.request.conversation = None


class Providers:
    """Watches the provider's side of sessions handed on as they are: LiteLLM does not tell when it is gone."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def backend_to_client(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        try:
            return await wrapped(*args, **kwargs)
        finally:
            # LiteLLM cancels this side when it can't hand on what the client says: when the provider has left.
            self._left(instance)

    @guarded
    def _left(self, streaming: Any) -> None:
        request, code = self._recorder.current_request(), streaming.backend_ws.close_code
        if request is None or request.ending or code is None or code in IN_ORDER:
            return
        request.ending = Outcome.ERROR
        reason = getattr(streaming.backend_ws, "close_reason", None)
        request.failure = request.failure or failure_of_close(code, reason)


class Session:
    """How a session goes."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @guarded
    def client_left(self, message: Message) -> None:
        code = message.get("code") or 1005
        if self.request.ending:
            return
        if code in IN_ORDER:
            self.request.ending = Outcome.COMPLETED
        elif code == SERVICE_RESTART:
            self.request.ending = Outcome.CANCELLED
        else:
            self.request.ending = Outcome.CLIENT_DISCONNECTED
            self.request.disconnected = True

    @guarded
    def said(self, message: Message) -> None:
        """A message of either side, where content is asked for."""
        conversation, text = self.request.conversation, message.get("text")
        if text is None and isinstance(message.get("bytes"), bytes):
            text = message["bytes"].decode(errors="replace")
        if conversation is not None and isinstance(text, str) and text[:1] == "{":
            conversation.heard(text)

    @guarded
    def server_said(self, message: Message) -> None:
        kind, request = message["type"], self.request
        if kind == "websocket.accept":
            request.status_code = SWITCHED
        elif kind == "websocket.http.response.start":
            request.status_code = message["status"]
            self.request.ending = self.request.ending or Outcome.REJECTED
        elif kind == "websocket.close" and not self.request.ending:
            self._close(message)

    def _close(self, message: Message) -> None:
        request, code = self.request, message.get("code") or 1000
        if request.status_code is None:
            request.status_code = 403  # what the server makes of a refusal before it has accepted
        elif code in IN_ORDER:
            request.ending = Outcome.COMPLETED
            return
        request.ending = Outcome.ERROR if request.calls else Outcome.REJECTED
        request.failure = request.failure or failure_of_close(code, message.get("reason"))

    @guarded
    def broke(self, exception: BaseException) -> None:
        if not isinstance(exception, Exception):
            self.request.ending = self.request.ending or Outcome.CANCELLED
            return
        self.request.ending = self.request.ending or Outcome.ERROR
        if self.request.failure is None:
            self.request.failure = failure_of(exception)
