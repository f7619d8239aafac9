"""Assistants: a run that is streamed comes as a context manager, and is asked for when that is entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import wrapt

from litellm_otel.boundary import guarded
from litellm_otel.reading.assistants import failure_of_run, response_of_run, run_is_over
from litellm_otel.reading.usage import usage_of

if TYPE_CHECKING:
    from litellm_otel.hooks.streams import Streams
    from litellm_otel.model import Attempt

FUNCTIONS: Final = (
    *("get_assistants", "aget_assistants", "create_assistants", "acreate_assistants"),
    *("delete_assistant", "adelete_assistant", "create_thread", "acreate_thread"),
    *("get_thread", "aget_thread", "add_message", "a_add_message"),
    *("get_messages", "aget_messages", "run_thread", "arun_thread"),
)
"""LiteLLM's entry points that carry no decorator. The streamed ones call ``run_thread``."""


def is_manager(result: object) -> bool:
    """Whether a call's result is what a streamed run comes as."""
    return type(result).__name__ in ("AssistantStreamManager", "AsyncAssistantStreamManager")


class FollowedManager(wrapt.ObjectProxy):  # pyright: ignore[reportMissingTypeArgument, reportUntypedBaseClass]
    """The manager of a streamed run: the attempt ends when it is left."""

    __wrapped__: Any

    def __init__(self, wrapped: Any, attempt: Attempt, streams: Streams) -> None:
        super().__init__(wrapped)  # pyright: ignore[reportUnknownMemberType]
        self._self_attempt = attempt
        self._self_streams = streams
        self._self_handler: Any = None

    def __enter__(self) -> Any:
        scope = self._self_streams.enter(self._self_attempt)
        try:
            self._self_handler = self.__wrapped__.__enter__()
        except BaseException as exception:
            self._self_streams.broke(self._self_attempt, exception, None)
            raise
        finally:
            self._self_streams.leave(scope)
        return self._self_handler

    async def __aenter__(self) -> Any:
        scope = self._self_streams.enter(self._self_attempt)
        try:
            self._self_handler = await self.__wrapped__.__aenter__()
        except BaseException as exception:
            self._self_streams.broke(self._self_attempt, exception, None)
            raise
        finally:
            self._self_streams.leave(scope)
        return self._self_handler

    def __exit__(self, kind: Any, exception: Any, traceback: Any) -> Any:
        self._left(exception)
        return self.__wrapped__.__exit__(kind, exception, traceback)

    async def __aexit__(self, kind: Any, exception: Any, traceback: Any) -> Any:
        self._left(exception)
        return await self.__wrapped__.__aexit__(kind, exception, traceback)

    def __del__(self) -> None:
        self._self_streams.collected(self._self_attempt, None)

    @guarded
    def _left(self, exception: BaseException | None) -> None:
        attempt, streams = self._self_attempt, self._self_streams
        run = getattr(self._self_handler, "current_run", None)
        if run is not None:
            attempt.response = response_of_run(run)
            attempt.usage = usage_of(run.usage) or attempt.usage
        if exception is not None:
            streams.broke(attempt, exception, None)
        elif not run_is_over(run):
            streams.closed(attempt, None)
        elif (failure := failure_of_run(run)) is not None:
            streams.failed(attempt, failure)
        else:
            streams.ended(attempt, None)
