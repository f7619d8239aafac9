"""Threads that LiteLLM hands calls to without their context: what they do would belong to nothing."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped


class _WithContext(wrapt.ObjectProxy):  # pyright: ignore[reportMissingTypeArgument, reportUntypedBaseClass]
    """The module ``litellm``, whose ``completion`` runs in the context in which it was looked up."""

    __wrapped__: Any

    @property
    def completion(self) -> Callable[..., Any]:
        completion, context = self.__wrapped__.completion, contextvars.copy_context()

        def in_context(*args: Any, **kwargs: Any) -> Any:
            return context.run(completion, *args, **kwargs)

        return in_context


def wrap_litellm(litellm: Any) -> Any:
    """For the name ``litellm`` in a module that submits ``litellm.completion`` to threads of its own."""
    return _WithContext(litellm)


def run_async_function(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    """For LiteLLM's helper that runs a coroutine function in a new loop, in a new thread if need be."""
    function = args[0] if args else kwargs.get("async_function")
    if function is None:
        return wrapped(*args, **kwargs)
    context = contextvars.copy_context()

    async def in_context(*args: Any, **kwargs: Any) -> Any:
        for variable, value in context.items():
            variable.set(value)
        return await function(*args, **kwargs)

    if args:
        return wrapped(in_context, *args[1:], **kwargs)
    return wrapped(**{**kwargs, "async_function": in_context})
