"""LiteLLM's own logging handlers: where the tokens and the cost of a stream become known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.reading.usage import account_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.recorder import Recorder


class Handlers:
    """Watches ``Logging.async_success_handler`` and ``Logging.success_handler``."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def async_success_handler(
        self,
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        try:
            return await wrapped(*args, **kwargs)
        finally:
            self._ran(instance)

    def success_handler(
        self,
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        # A synchronous stream calls this for every chunk.
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._ran(instance)

    @guarded
    def _ran(self, logging_obj: Any) -> None:
        call_id = logging_obj.litellm_call_id
        if not self._recorder.awaits_details(call_id):
            return
        account = account_of(logging_obj)
        if account is not None:
            self._recorder.details(call_id, *account)
