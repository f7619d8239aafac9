"""LiteLLM's service events: how Redis, the database, authentication, jobs and queues are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.reading.services import service_event

if TYPE_CHECKING:
    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.recorder import Recorder


class Services:
    """Watches ``ServiceLogging``'s two hooks, which LiteLLM calls whether or not a callback is set."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def succeeded(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        self._note(args, kwargs, failed=False)
        return await wrapped(*args, **kwargs)

    async def failed(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        self._note(args, kwargs, failed=True)
        return await wrapped(*args, **kwargs)

    @guarded
    def _note(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, failed: bool) -> None:
        if self._recorder.active:
            self._recorder.emitter.service_event(service_event(args, kwargs, failed=failed))
