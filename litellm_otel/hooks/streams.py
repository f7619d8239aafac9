"""Streams: the first chunk, each later one, and every way a stream can end.

LiteLLM's `CustomStreamWrapper` is watched by its methods, since the Router checks for that very class.
Any other iterator is handed on inside a transparent proxy.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import wrapt

from litellm_otel.boundary import guarded
from litellm_otel.model import Attempt, Outcome
from litellm_otel.reading.chunks import streamed_response
from litellm_otel.reading.failures import failure_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.recorder import Recorder

_ATTRIBUTE = "_litellm_otel_attempt"

MAX_CHUNKS = 10_000
"""Chunks that are kept of a stream LiteLLM itself keeps none of."""

_now = time.perf_counter_ns


class Streams:
    """Follows the streams that attempts answer with."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.wrapper_class: type | None = None
        """LiteLLM's ``CustomStreamWrapper``, once imported and wrapped."""

    def is_stream(self, result: object) -> bool:
        """Whether a call's result is to be iterated; what is whole as well (a model, a file) is not."""
        if isinstance(result, (str, bytes, dict, list, tuple)) or hasattr(result, "model_dump"):
            return False
        if self.wrapper_class is not None and isinstance(result, self.wrapper_class):
            return True
        return isinstance(result, (AsyncIterator, Iterator))

    def follow(self, stream: Any, attempt: Attempt) -> Any:
        """Let the stream end the attempt; returns what the caller is to have."""
        self._recorder.stream_opened(attempt)
        inner = self._custom_stream_wrapper(stream)
        if inner is not None:
            inner.__dict__[_ATTRIBUTE] = attempt
            return stream
        return FollowedStream(stream, attempt, self)

    def _custom_stream_wrapper(self, stream: Any) -> Any:
        if self.wrapper_class is None:
            return None
        for candidate in (stream, getattr(stream, "completion_stream", None)):
            if isinstance(candidate, self.wrapper_class):
                return candidate
        return None

    def enter(self, attempt: Attempt) -> object:
        """Make the attempt current for its first chunk: some streams only then ask the provider."""
        return self._recorder.emitter.enter(attempt)

    def leave(self, scope: object) -> None:
        self._recorder.emitter.leave(scope)

    # -- what the wrapped methods tell ----------------------------------------------------------

    @guarded
    def ended(self, attempt: Attempt, chunks: list[Any] | None) -> None:
        _read_chunks(attempt, chunks)
        # Some providers end without a reason; LiteLLM then makes up "stop", we leave it out.
        reasons = attempt.response.finish_reasons
        attempt.response.finish_reasons = tuple(reason for reason in reasons if reason != "error")
        self._recorder.end_attempt(attempt, Outcome.COMPLETED)

    @guarded
    def broke(self, attempt: Attempt, exception: BaseException, chunks: list[Any] | None) -> None:
        _read_chunks(attempt, chunks)
        if isinstance(exception, (asyncio.CancelledError, GeneratorExit)):
            self._recorder.end_attempt(attempt, Outcome.CANCELLED)
        else:
            self._recorder.end_attempt(attempt, Outcome.ERROR, failure_of(exception))

    @guarded
    def closed(self, attempt: Attempt, chunks: list[Any] | None) -> None:
        if attempt.outcome:
            return
        _read_chunks(attempt, chunks)
        whole = (
            bool(attempt.response.finish_reasons) and "error" not in attempt.response.finish_reasons
        )
        self._recorder.end_attempt(attempt, Outcome.COMPLETED if whole else Outcome.CANCELLED)

    def collected(self, attempt: Attempt, chunks: list[Any] | None) -> None:
        """From ``__del__``: no lock may be taken here."""
        if not attempt.outcome:
            _read_chunks(attempt, chunks)
            self._recorder.abandoned(attempt)

    # -- CustomStreamWrapper's methods ----------------------------------------------------------

    def wrap_next(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        def __next__(stream: Any) -> Any:
            attempt: Attempt | None = stream.__dict__.get(_ATTRIBUTE)
            if attempt is None:
                return wrapped(stream)
            scope = None if attempt.chunks else self.enter(attempt)
            try:
                chunk = wrapped(stream)
            except StopIteration:
                self.ended(attempt, stream.chunks)
                raise
            except BaseException as exception:
                self.broke(attempt, exception, stream.chunks)
                raise
            finally:
                if scope is not None:
                    self.leave(scope)
            _saw_chunk(attempt)
            return chunk

        return __next__

    def wrap_anext(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        async def __anext__(stream: Any) -> Any:
            attempt: Attempt | None = stream.__dict__.get(_ATTRIBUTE)
            if attempt is None:
                return await wrapped(stream)
            scope = None if attempt.chunks else self.enter(attempt)
            try:
                chunk = await wrapped(stream)
            except StopAsyncIteration:
                self.ended(attempt, stream.chunks)
                raise
            except BaseException as exception:
                self.broke(attempt, exception, stream.chunks)
                raise
            finally:
                if scope is not None:
                    self.leave(scope)
            _saw_chunk(attempt)
            return chunk

        return __anext__

    def wrap_aclose(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        async def aclose(stream: Any, *args: Any, **kwargs: Any) -> Any:
            attempt = stream.__dict__.get(_ATTRIBUTE)
            if attempt is not None:
                self.closed(attempt, stream.chunks)
            return await wrapped(stream, *args, **kwargs)

        return aclose

    def wrap_close(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        def close(stream: Any, *args: Any, **kwargs: Any) -> Any:
            attempt = stream.__dict__.get(_ATTRIBUTE)
            if attempt is not None:
                self.closed(attempt, stream.chunks)
            return wrapped(stream, *args, **kwargs)

        return close

    def wrap_del(self, wrapped: Callable[..., Any] | None) -> Callable[..., Any]:
        def __del__(stream: Any) -> None:
            attempt = stream.__dict__.get(_ATTRIBUTE)
            if attempt is not None:
                self.collected(attempt, stream.__dict__.get("chunks"))
            if wrapped is None:
                return
            if sys.version_info < (3, 12):
                # LiteLLM sets context variables in here. Before 3.12 a garbage collection inside
                # ContextVar.set() that sets one in the same context crashes the interpreter.
                contextvars.copy_context().run(wrapped, stream)
            else:
                wrapped(stream)

        return __del__


def _saw_chunk(attempt: Attempt) -> None:
    attempt.last_chunk_clock = clock = _now()
    if not attempt.chunks:
        attempt.first_chunk_clock = clock
    attempt.chunks += 1


def _read_chunks(attempt: Attempt, chunks: list[Any] | None) -> None:
    if not chunks:
        return
    attempt.response, usage = streamed_response(chunks)
    if usage is not None and usage.counted:
        attempt.usage = usage
    attempt.seen = chunks


class FollowedStream(wrapt.ObjectProxy):  # pyright: ignore[reportMissingTypeArgument, reportUntypedBaseClass]
    """An iterator of any class, followed. Looks like what it wraps, to ``isinstance`` as well."""

    __wrapped__: Any

    def __init__(self, wrapped: Any, attempt: Attempt, streams: Streams) -> None:
        super().__init__(wrapped)  # pyright: ignore[reportUnknownMemberType]
        self._self_attempt = attempt
        self._self_streams = streams
        self._self_chunks: list[Any] = []

    def _enter(self) -> object:
        attempt = self._self_attempt
        return None if attempt.chunks else self._self_streams.enter(attempt)

    def _saw(self, chunk: Any) -> Any:
        _saw_chunk(self._self_attempt)
        if len(self._self_chunks) < MAX_CHUNKS:
            self._self_chunks.append(chunk)
        return chunk

    def __iter__(self) -> Any:
        return self

    def __aiter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        scope = self._enter()
        try:
            chunk = next(self.__wrapped__)
        except StopIteration:
            self._self_streams.ended(self._self_attempt, self._self_chunks)
            raise
        except BaseException as exception:
            self._self_streams.broke(self._self_attempt, exception, self._self_chunks)
            raise
        finally:
            if scope is not None:
                self._self_streams.leave(scope)
        return self._saw(chunk)

    async def __anext__(self) -> Any:
        scope = self._enter()
        try:
            chunk = await self.__wrapped__.__anext__()
        except StopAsyncIteration:
            self._self_streams.ended(self._self_attempt, self._self_chunks)
            raise
        except BaseException as exception:
            self._self_streams.broke(self._self_attempt, exception, self._self_chunks)
            raise
        finally:
            if scope is not None:
                self._self_streams.leave(scope)
        return self._saw(chunk)

    async def aclose(self) -> Any:
        self._self_streams.closed(self._self_attempt, self._self_chunks)
        return await self.__wrapped__.aclose()

    def close(self) -> Any:
        self._self_streams.closed(self._self_attempt, self._self_chunks)
        return self.__wrapped__.close()

    def __del__(self) -> None:
        self._self_streams.collected(self._self_attempt, self._self_chunks)
