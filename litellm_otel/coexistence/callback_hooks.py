"""What can be done to one of LiteLLM's callbacks without taking it out of LiteLLM's lists.

It stays registered, and of its class, so that whoever looks for it finds it; only what LiteLLM calls on
this one object is replaced, by attributes of the object.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BASE = "CustomLogger"
"""LiteLLM's class of callbacks that do nothing."""


def silence(callback: Any) -> None:
    """Have it do nothing, as LiteLLM's base class does."""
    for name, function in _hooks(callback):
        inherited = getattr(_base(callback), name, None)
        if inherited is not None:
            setattr(callback, name, inherited.__get__(callback))
        elif inspect.iscoroutinefunction(function):
            setattr(callback, name, _nothing)


def set_apart(callback: Any) -> None:
    """Have it run as if no span of ours were current: what it sends elsewhere has no parent there."""
    for name, function in _hooks(callback):
        setattr(callback, name, _without_span(function.__get__(callback)))


def without_span() -> otel_context.Context:
    """The current context, with no span in it."""
    return trace.set_span_in_context(trace.INVALID_SPAN)


async def _nothing(*_: Any, **__: Any) -> None:
    """For a hook that the base class does not have."""


def _without_span(hook: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(hook):

        @functools.wraps(hook)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            token = otel_context.attach(without_span())
            try:
                return await hook(*args, **kwargs)
            finally:
                otel_context.detach(token)

        return asynchronous

    @functools.wraps(hook)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        token = otel_context.attach(without_span())
        try:
            return hook(*args, **kwargs)
        finally:
            otel_context.detach(token)

    return synchronous


def _hooks(callback: Any) -> Iterator[tuple[str, Any]]:
    """The public methods that its own classes define: name and function."""
    seen: set[str] = set()
    for owner in type(callback).__mro__:
        if owner.__name__ == _BASE:
            return
        for name, function in vars(owner).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            if inspect.isfunction(function) and not (
                inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
            ):
                yield name, function


def _base(callback: Any) -> type | None:
    return next((owner for owner in type(callback).__mro__ if owner.__name__ == _BASE), None)
