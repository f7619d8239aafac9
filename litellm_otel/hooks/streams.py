"""Streams: the first chunk, each later one, and every way a stream can end.

A stream stays the object it is: the methods of its class are watched, and it carries a mark. What can
carry none, such as a generator, is handed on inside a transparent proxy, see `followed`.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, cast

from litellm_otel.boundary import guarded
from litellm_otel.hooks.assistants import FollowedManager, is_manager
from litellm_otel.hooks.attempts import failure_in_answer, failure_within
from litellm_otel.hooks.entry import resumed
from litellm_otel.hooks.followed import FollowedLoop, FollowedLoopGenerator, followed
from litellm_otel.model import Attempt, Outcome
from litellm_otel.reading.accounts import cost_of_stream
from litellm_otel.reading.chunks import streamed_response
from litellm_otel.reading.failures import is_cancellation

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from litellm_otel.hooks.entry import Entry
    from litellm_otel.model import Failure
    from litellm_otel.recorder import Recorder

    Replace = Callable[[type, str, Callable[[Any], Any]], None]

_ATTRIBUTE = "_litellm_otel_mark"
_LOOP = "_custom_iterator"
"""Where LiteLLM's stream of a call with MCP tools has the iterator that does all of it."""
_HEAP_TYPE = 1 << 9
"""CPython's flag of a class made in Python."""

MAX_CLASSES = 256
"""Classes of streams whose methods are watched."""
MAX_CHUNKS = 10_000
"""Chunks that are kept of a stream LiteLLM itself keeps none of."""

_now = time.perf_counter_ns


class Streams:
    """Follows the streams that attempts answer with."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.wrapper_class: type | None = None
        """LiteLLM's ``CustomStreamWrapper``, once imported and wrapped."""
        self.replace: Replace = _set
        """Puts a method of ours into a class; whoever takes the hooks out again takes this over."""
        self._watched: dict[type, bool] = {}

    def is_stream(self, result: object) -> bool:
        """Whether a call's result is to be iterated; what is whole as well (a model, a file) is not."""
        if _within(result) is not None:
            return True
        if isinstance(result, (str, bytes, dict, list, tuple)) or hasattr(result, "model_dump"):
            return False
        if self.wrapper_class is not None and isinstance(result, self.wrapper_class):
            return True
        return isinstance(result, (AsyncIterator, Iterator)) or is_manager(result)

    def follow(self, result: Any, attempt: Attempt, entry: Entry | None = None) -> Any:
        """Let the stream end the attempt; returns what the caller is to have.

        ``entry``: the use of an entry point that answers with it.
        """
        if entry is not None and self._follow_loop(result, attempt, entry):
            return result
        if entry is not None and _is_of_agent(entry, result):
            self._recorder.stream_opened(attempt)
            return FollowedLoopGenerator(result, attempt, self, functools.partial(resumed, entry))
        within = _within(result)
        if within is None:
            stream = self._follow(result, attempt, [])
            mark = _mark_of(stream) if entry is not None and attempt.delegated else None
            if mark is not None and mark.attempt is attempt:
                mark.within = functools.partial(resumed, cast("Entry", entry))
            return stream
        # Such is a file that is downloaded: its pieces are large, and tell nothing.
        stream = self._follow(within, attempt, None)
        return result if stream is within else result._replace(stream_iterator=stream)

    def _follow(self, stream: Any, attempt: Attempt, chunks: list[Any] | None) -> Any:
        self._recorder.stream_opened(attempt)
        inner = self._custom_stream_wrapper(stream)
        if inner is not None:
            if _mark_of(inner) is not None:
                # A call that this one is made of answers with it, and is told apart.
                return followed(stream, attempt, self)
            _mark(inner, Mark(attempt, inner, None))
            return stream
        if is_manager(stream):
            return FollowedManager(stream, attempt, self)
        if self._watch(stream.__class__) and _mark(stream, Mark(attempt, stream, chunks)):
            return stream
        return followed(stream, attempt, self)

    def _follow_loop(self, stream: Any, attempt: Attempt, entry: Entry) -> bool:
        """Follow the stream in which LiteLLM calls MCP tools and asks the model again; False if it is none."""
        if self.wrapper_class is None or not isinstance(stream, self.wrapper_class):
            return False
        loop = stream.__dict__.get(_LOOP)
        if not isinstance(loop, AsyncIterator):
            return False
        self._recorder.stream_opened(attempt)
        followed_loop = FollowedLoop(loop, attempt, self, functools.partial(resumed, entry))
        stream.__dict__[_LOOP] = followed_loop
        _mark(stream, Mark(attempt, stream, followed_loop._self_chunks))  # pyright: ignore[reportPrivateUsage]
        return True

    def _custom_stream_wrapper(self, stream: Any) -> Any:
        if self.wrapper_class is None:
            return None
        for candidate in (stream, getattr(stream, "completion_stream", None)):
            if isinstance(candidate, self.wrapper_class):
                return candidate
        return None

    def _watch(self, kind: type) -> bool:
        """Watch the methods of a class of streams; False where that can't be."""
        watched = self._watched.get(kind)
        if watched is None:
            if len(self._watched) >= MAX_CLASSES:
                return False  # somebody makes classes as they go
            watched = self._watched[kind] = self._put_into(kind)
        return watched

    def _put_into(self, kind: type) -> bool:
        if not kind.__flags__ & _HEAP_TYPE or not kind.__dictoffset__:
            return False
        for name, wrap in (
            ("__next__", self.wrap_next),
            ("__anext__", self.wrap_anext),
            ("aclose", self.wrap_aclose),
            ("close", self.wrap_close),
            ("__del__", self.wrap_del),
        ):
            if callable(getattr(kind, name, None)) or name == "__del__":
                self.replace(kind, name, wrap)
        return True

    def forget(self) -> None:
        """The methods of ours have been taken out of the classes."""
        self._watched.clear()

    @guarded
    def enter(self, attempt: Attempt) -> object:
        """Make the attempt current for its first chunk: some streams only then ask the provider."""
        return self._recorder.emitter.enter(attempt)

    @guarded
    def leave(self, scope: object) -> None:
        self._recorder.emitter.leave(scope)

    def said(self, attempt: Attempt, chunks: list[Any]) -> None:
        """What a stream of a provider's own API said, where content is asked for."""
        if self._recorder.contents is not None:
            self._recorder.contents.streamed(attempt, chunks)

    # -- what the wrapped methods tell ----------------------------------------------------------

    @guarded
    def saw(self, attempt: Attempt, chunks: list[Any] | None, chunk: Any) -> None:
        attempt.last_chunk_clock = clock = _now()
        if not attempt.chunks:
            attempt.first_chunk_clock = clock
        attempt.chunks += 1
        if chunks is not None and len(chunks) < MAX_CHUNKS:
            chunks.append(chunk)

    @guarded
    def ended(self, attempt: Attempt, chunks: list[Any] | None) -> None:
        _read_chunks(attempt, chunks)
        failure = failure_in_answer(attempt)
        if failure is not None:
            self._recorder.end_attempt(attempt, Outcome.ERROR, failure)
            return
        # Some providers end without a reason; LiteLLM then makes up "stop", we leave it out.
        reasons = attempt.response.finish_reasons
        attempt.response.finish_reasons = tuple(reason for reason in reasons if reason != "error")
        self._recorder.end_attempt(attempt, Outcome.COMPLETED)

    @guarded
    def broke(self, attempt: Attempt, exception: BaseException, chunks: list[Any] | None) -> None:
        _read_chunks(attempt, chunks)
        if is_cancellation(exception):
            self._recorder.end_attempt(attempt, Outcome.CANCELLED)
        else:
            self._recorder.end_attempt(attempt, Outcome.ERROR, failure_within(attempt, exception))

    @guarded
    def failed(self, attempt: Attempt, failure: Failure) -> None:
        self._recorder.end_attempt(attempt, Outcome.ERROR, failure)

    @guarded
    def closed(self, attempt: Attempt, chunks: list[Any] | None) -> None:
        if attempt.outcome:
            return
        _read_chunks(attempt, chunks)
        whole = (
            bool(attempt.response.finish_reasons) and "error" not in attempt.response.finish_reasons
        )
        self._recorder.end_attempt(attempt, Outcome.COMPLETED if whole else Outcome.CANCELLED)

    @guarded
    def collected(self, attempt: Attempt, chunks: list[Any] | None) -> None:
        """From ``__del__``: no lock may be taken here."""
        if not attempt.outcome:
            _read_chunks(attempt, chunks)
            self._recorder.abandoned(attempt)

    @guarded
    def _price(self, attempt: Attempt, stream: Any) -> None:
        """The stream is over, and LiteLLM will not say what it cost."""
        if not attempt.accounted and not attempt.outcome:
            attempt.cost, attempt.cost_parts = cost_of_stream(stream)

    # -- the methods of marked streams ----------------------------------------------------------

    def wrap_next(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        def __next__(stream: Any) -> Any:
            mark = _mark_of(stream)
            if mark is None or mark.reader is not None:
                return wrapped(stream)
            attempt = mark.attempt
            scope = None if attempt.chunks else self.enter(attempt)
            mark.reader = threading.get_ident()
            try:
                chunk = wrapped(stream)
            except StopIteration:
                self._price(attempt, stream)
                self.ended(attempt, mark.chunks_of(stream))
                raise
            except BaseException as exception:
                self.broke(attempt, exception, mark.chunks_of(stream))
                raise
            finally:
                mark.reader = None
                if scope is not None:
                    self.leave(scope)
            self.saw(attempt, mark.chunks, chunk)
            return chunk

        return __next__

    def wrap_anext(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        async def __anext__(stream: Any) -> Any:
            mark = _mark_of(stream)
            if mark is None or mark.reader is not None:
                return await wrapped(stream)
            attempt = mark.attempt
            within: Callable[[], AbstractContextManager[None]] | None = mark.within
            scope = None if attempt.chunks and within is None else self.enter(attempt)
            mark.reader = _task()
            try:
                if within is None:
                    chunk = await wrapped(stream)
                else:
                    with within():
                        chunk = await wrapped(stream)
            except StopAsyncIteration:
                self._price(attempt, stream)
                self.ended(attempt, mark.chunks_of(stream))
                raise
            except BaseException as exception:
                self.broke(attempt, exception, mark.chunks_of(stream))
                raise
            finally:
                mark.reader = None
                if scope is not None:
                    self.leave(scope)
            self.saw(attempt, mark.chunks, chunk)
            if not attempt.accounted and getattr(stream, "completed_response", None) is not None:
                # LiteLLM's loop reads no further than to the answer's last event.
                self._price(attempt, stream)
                self.ended(attempt, mark.chunks_of(stream))
            return chunk

        return __anext__

    def wrap_aclose(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        async def aclose(stream: Any, *args: Any, **kwargs: Any) -> Any:
            mark = _mark_of(stream)
            # Newer LiteLLM closes the stream itself while it is read, before it raises what ended it.
            if mark is not None and (mark.reader is None or mark.reader is not _task()):
                self.closed(mark.attempt, mark.chunks_of(stream))
            return await wrapped(stream, *args, **kwargs)

        return aclose

    def wrap_close(self, wrapped: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        def close(stream: Any, *args: Any, **kwargs: Any) -> Any:
            mark = _mark_of(stream)
            if mark is not None and mark.reader != threading.get_ident():
                self.closed(mark.attempt, mark.chunks_of(stream))
            return wrapped(stream, *args, **kwargs)

        return close

    def wrap_del(self, wrapped: Callable[..., Any] | None) -> Callable[..., Any]:
        def __del__(stream: Any) -> None:
            mark = _mark_of(stream)
            if mark is not None:
                self.collected(mark.attempt, mark.chunks_of(stream))
            if wrapped is None:
                return
            if sys.version_info < (3, 12):
                # LiteLLM sets context variables in here. Before 3.12 a garbage collection inside
                # ContextVar.set() that sets one in the same context crashes the interpreter.
                contextvars.copy_context().run(wrapped, stream)
            else:
                wrapped(stream)

        return __del__ if wrapped is None else functools.wraps(wrapped)(__del__)


class Mark:
    """What a followed stream carries. Copies of the stream are not followed."""

    __slots__ = ("attempt", "chunks", "owner", "reader", "within")

    def __init__(self, attempt: Attempt, owner: object, chunks: list[Any] | None) -> None:
        self.attempt = attempt
        self.owner = id(owner)
        self.chunks = chunks
        """The chunks seen; ``None`` where the stream keeps them itself."""
        self.reader: object = None
        """Who waits for a chunk of the stream: a task, or a thread by its number."""
        self.within: Callable[[], AbstractContextManager[None]] | None = None
        """What to read it in, where calls are made while it is read that belong to the attempt."""

    @guarded
    def chunks_of(self, stream: Any) -> list[Any] | None:
        return self.chunks if self.chunks is not None else stream.__dict__.get("chunks")

    def __reduce__(self) -> Any:
        return _nothing, ()


def _is_of_agent(entry: Entry, result: object) -> bool:
    """Whether it is what an agent answers, who is asked when it is first read, by way of a model or not."""
    return entry.about.operation == "invoke_agent" and isinstance(result, AsyncGenerator)


def _within(result: object) -> Any:
    """The stream that a named tuple holds; None where the result is no such."""
    if not isinstance(result, tuple):
        return None
    return getattr(cast("tuple[object, ...]", result), "stream_iterator", None)


def _set(owner: type, name: str, wrap: Callable[[Any], Any]) -> None:
    setattr(owner, name, wrap(getattr(owner, name, None)))


def _nothing() -> None:
    """What the copy of a stream carries."""


def _mark(stream: Any, mark: Mark) -> bool:
    try:
        stream.__dict__[_ATTRIBUTE] = mark
    except (AttributeError, TypeError):
        return False
    return True


@guarded
def _mark_of(stream: Any) -> Mark | None:
    mark = stream.__dict__.get(_ATTRIBUTE)
    return mark if mark is not None and mark.owner == id(stream) else None


@guarded
def _task() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None  # no loop of asyncio's


def _read_chunks(attempt: Attempt, chunks: list[Any] | None) -> None:
    if not chunks:
        return
    attempt.response, usage = streamed_response(chunks)
    if usage is not None and usage.counted:
        attempt.usage = usage
    attempt.seen = chunks
