"""Requests whose exception nobody in the application answers: the web framework's last resort does.

That is a handler around all middleware, so it answers when ours has been left. LiteLLM has one of its own,
which knows more answers than 500.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from litellm_otel.boundary import guarded
from litellm_otel.hooks.seams import wrapped_by

if TYPE_CHECKING:
    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.model import Request
    from litellm_otel.recorder import Recorder

UNHANDLED: Final = 500
"""The web framework's own answer."""
PATIENCE: Final = 5.0
"""Seconds that a request waits for it; a middleware around ours may have kept it from being asked."""


class LastResort:
    """Watches an application's handler of ``Exception``: what a request is answered that came to it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._app: Any = None
        self._watched: Any = None

    def watch(self, app: Any) -> None:
        """To be done before the application builds its middleware."""
        handler = app.exception_handlers.get(Exception)
        if inspect.iscoroutinefunction(handler):
            self._app, self._watched = app, wrapped_by(self.unhandled_exception_handler)(handler)
            app.exception_handlers[Exception] = self._watched

    def is_left(self, request: Request) -> bool:
        """Whether it is to answer the request that is left with an exception, and will end it."""
        if not self._is_asked():
            return False
        left_at = request.start_ns + int(request.duration * 1e9)
        recorder = self._recorder
        recorder.deferred.after(PATIENCE, lambda: recorder.end_request(request, at_ns=left_at))
        return True

    def _is_asked(self) -> bool:
        if self._watched is None:
            return False
        handlers = self._app.exception_handlers
        replaced = handlers.get(Exception) is not self._watched or UNHANDLED in handlers
        return not replaced and not self._app.debug

    async def unhandled_exception_handler(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        response = None
        try:
            response = await wrapped(*args, **kwargs)
            return response
        finally:
            self._end(response)

    @guarded
    def _end(self, response: Any) -> None:
        """Before the answer leaves: the server span ends with it."""
        request = self._recorder.current_request()
        if request is None:
            return
        try:
            if isinstance(getattr(response, "status_code", None), int):
                request.status_code = response.status_code
        finally:
            self._recorder.end_request(request)
