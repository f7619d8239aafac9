"""LiteLLM's own logging handlers: where the tokens and the cost of a stream become known, and budgets."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from litellm_otel.boundary import guarded
from litellm_otel.reading.standing import standing_of
from litellm_otel.reading.usage import account_of

if TYPE_CHECKING:
    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.recorder import Recorder

_TOOL: Final = "call_mcp_tool"
"""LiteLLM's type of a call of an MCP tool."""
_REMEMBERED: Final = 4096
"""Calls of late whose callers' standing has been told."""


class Handlers:
    """Watches ``Logging.async_success_handler`` and ``Logging.success_handler``."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._told: OrderedDict[str, None] = OrderedDict()

    async def async_success_handler(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        try:
            return await wrapped(*args, **kwargs)
        finally:
            self._ran(instance)
            self._note_standing(instance)

    def success_handler(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
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
            of_tool = logging_obj.call_type == _TOOL
            self._recorder.details(call_id, *account, of_tool=of_tool)

    @guarded
    def _note_standing(self, logging_obj: Any) -> None:
        """Once a call, though LiteLLM may come here more often."""
        if not self._recorder.active:
            return
        call_id = logging_obj.litellm_call_id
        if call_id in self._told:
            return
        measurements = standing_of(logging_obj.model_call_details)
        if not measurements:
            return
        self._told[call_id] = None
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        self._recorder.emitter.measured(measurements)
