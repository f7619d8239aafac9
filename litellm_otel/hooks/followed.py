"""Generators and other iterators that can carry no mark of ours: handed on inside a transparent proxy.

To ``isinstance`` and to its user such a proxy is what it wraps: it has the methods of that, and no more.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from typing import TYPE_CHECKING, Any, Protocol, cast

import wrapt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from litellm_otel.model import Attempt

# Before wrapt 2 there is one proxy only, which says of everything that it can be called or indexed.
_Proxy: Any = getattr(wrapt, "BaseObjectProxy", None) or wrapt.ObjectProxy


class Follower(Protocol):
    """Who is told what becomes of a stream."""

    def enter(self, attempt: Attempt) -> object: ...
    def leave(self, scope: object) -> None: ...
    def saw(self, attempt: Attempt, chunks: list[Any], chunk: Any) -> None: ...
    def ended(self, attempt: Attempt, chunks: list[Any] | None) -> None: ...
    def broke(
        self, attempt: Attempt, exception: BaseException, chunks: list[Any] | None
    ) -> None: ...
    def closed(self, attempt: Attempt, chunks: list[Any] | None) -> None: ...
    def collected(self, attempt: Attempt, chunks: list[Any] | None) -> None: ...


class _Followed(_Proxy):
    __wrapped__: Any

    def __init__(self, wrapped: Any, attempt: Attempt, follower: Follower) -> None:
        super().__init__(wrapped)  # pyright: ignore[reportUnknownMemberType]
        self._self_attempt = attempt
        self._self_follower = follower
        self._self_chunks: list[Any] = []

    def __del__(self) -> None:
        self._self_follower.collected(self._self_attempt, self._self_chunks)

    def __copy__(self) -> Any:
        return copy.copy(self.__wrapped__)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self.__wrapped__, memo)

    def __reduce__(self) -> Any:
        return self.__wrapped__.__reduce__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)


class FollowedIterator(_Followed):
    """An iterator."""

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._self_step(self.__wrapped__.__next__)

    def _self_step(self, step: Callable[..., Any], *args: Any) -> Any:
        attempt, follower = self._self_attempt, self._self_follower
        scope = None if attempt.chunks else follower.enter(attempt)
        try:
            chunk = step(*args)
        except StopIteration:
            follower.ended(attempt, self._self_chunks)
            raise
        except BaseException as exception:
            follower.broke(attempt, exception, self._self_chunks)
            raise
        finally:
            if scope is not None:
                follower.leave(scope)
        follower.saw(attempt, self._self_chunks, chunk)
        return chunk


class FollowedStream(FollowedIterator):
    """An iterator that can be closed."""

    def close(self) -> None:
        self._self_follower.closed(self._self_attempt, self._self_chunks)
        self.__wrapped__.close()


class FollowedGenerator(FollowedStream):
    """A generator."""

    def send(self, value: Any) -> Any:
        return self._self_step(self.__wrapped__.send, value)

    def throw(self, *args: Any) -> Any:
        return self._self_step(self.__wrapped__.throw, *args)


class FollowedAsyncIterator(_Followed):
    """An asynchronous iterator."""

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        return await self._self_await(self.__wrapped__.__anext__)

    async def _self_await(self, step: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        attempt, follower = self._self_attempt, self._self_follower
        scope = None if attempt.chunks else follower.enter(attempt)
        try:
            chunk = await step(*args)
        except StopAsyncIteration:
            follower.ended(attempt, self._self_chunks)
            raise
        except BaseException as exception:
            follower.broke(attempt, exception, self._self_chunks)
            raise
        finally:
            if scope is not None:
                follower.leave(scope)
        follower.saw(attempt, self._self_chunks, chunk)
        return chunk


class FollowedLoop(FollowedAsyncIterator):
    """An asynchronous iterator that makes calls while it is read, all of them in the attempt."""

    def __init__(
        self,
        wrapped: Any,
        attempt: Attempt,
        follower: Follower,
        within: Callable[[], AbstractContextManager[None]],
    ) -> None:
        super().__init__(wrapped, attempt, follower)
        self._self_within = within

    async def __anext__(self) -> Any:
        attempt, follower = self._self_attempt, self._self_follower
        with self._self_within():
            scope = follower.enter(attempt) if attempt.chunks else None
            try:
                return await super().__anext__()
            finally:
                if scope is not None:
                    follower.leave(scope)


class FollowedAsyncStream(FollowedAsyncIterator):
    """An asynchronous iterator that can be closed."""

    async def aclose(self) -> None:
        self._self_follower.closed(self._self_attempt, self._self_chunks)
        await self.__wrapped__.aclose()


class FollowedEither(FollowedAsyncStream, FollowedIterator):
    """What can be read either way, such as LiteLLM's own streams."""


class FollowedAsyncGenerator(FollowedAsyncStream):
    """An asynchronous generator."""

    async def asend(self, value: Any) -> Any:
        return await self._self_await(self.__wrapped__.asend, value)

    async def athrow(self, *args: Any) -> Any:
        return await self._self_await(self.__wrapped__.athrow, *args)


class FollowedLoopGenerator(FollowedLoop, FollowedAsyncGenerator):
    """An asynchronous generator that makes calls while it is read."""


def followed(stream: Any, attempt: Attempt, follower: Follower) -> Any:
    """The stream inside the proxy for its kind."""
    kind: type[_Followed] = FollowedIterator
    if isinstance(stream, AsyncGenerator):
        kind = FollowedAsyncGenerator
    elif isinstance(stream, AsyncIterator):
        closes = _has(cast("object", stream), "aclose")
        kind = FollowedAsyncStream if closes else FollowedAsyncIterator
        if closes and _has(cast("object", stream), "__next__"):
            kind = FollowedEither
    elif isinstance(stream, Generator):
        kind = FollowedGenerator
    elif _has(stream, "close"):
        kind = FollowedStream
    return kind(cast("Any", stream), attempt, follower)


def _has(stream: object, name: str) -> bool:
    return callable(getattr(stream, name, None))
