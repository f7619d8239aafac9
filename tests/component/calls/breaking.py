"""Our functions, found by walking the package, and what tests do to them: note that they run, break them."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Iterator
from typing import Any

WALKED = ("hooks", "reading", "emit", "model", "content", "recorder", "deferred", "lean_spans")
"""Packages and modules of which something runs in a call."""

_STAND_IN = "litellm_otel_stand_in"
"""The name that a function's replaced code looks up in its module."""


def modules() -> Iterator[types.ModuleType]:
    for name in WALKED:
        module = importlib.import_module(f"litellm_otel.{name}")
        yield module
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
            yield importlib.import_module(found.name)


def functions() -> dict[str, types.FunctionType]:
    """Every function and method defined in these modules, by module and qualified name."""
    found: dict[str, types.FunctionType] = {}
    for module in modules():
        for value in vars(module).values():
            for function in _functions_of(value):
                if function.__module__ == module.__name__:
                    place = function.__module__.removeprefix("litellm_otel.")
                    found[f"{place}:{function.__qualname__}"] = function
    return found


def _functions_of(value: Any) -> Iterator[types.FunctionType]:
    if isinstance(value, type):
        for attribute in list(vars(value).values()):
            if isinstance(attribute, property):
                attribute = attribute.fget
            yield from _functions_of(getattr(attribute, "__func__", attribute))
        return
    function = inspect.unwrap(value) if callable(value) else value
    # Not what a dataclass has made for it: that is no line of ours.
    if isinstance(function, types.FunctionType) and "<" not in function.__code__.co_filename:
        yield function


def forget() -> None:
    """What functions of ours keep of earlier calls, so that they run again."""
    for module in modules():
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


class Broken(Exception):
    """What a broken function raises."""


@contextlib.contextmanager
def broken(function: types.FunctionType) -> Iterator[list[Exception]]:
    """The function raises whenever it runs. Yields what it has raised."""
    raised: list[Exception] = []

    def fail(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raised.append(Broken("this piece of telemetry is broken"))
        raise raised[-1]

    with _replaced({function: fail}):
        yield raised


@contextlib.contextmanager
def noted(found: dict[str, types.FunctionType]) -> Iterator[set[str]]:
    """Yields the names of those that have run, in whichever thread."""
    seen: set[str] = set()

    def noting(name: str, function: types.FunctionType) -> Callable[..., Any]:
        own = types.FunctionType(
            function.__code__,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        own.__kwdefaults__ = function.__kwdefaults__

        def note(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            seen.add(name)
            return own(*args, **kwargs)

        return note

    with _replaced({function: noting(name, function) for name, function in found.items()}):
        yield seen


@contextlib.contextmanager
def _replaced(stand_ins: dict[types.FunctionType, Callable[..., Any]]) -> Iterator[None]:
    """Each function's code hands its arguments to its stand-in: bound methods and closures do so too."""
    codes = {function: function.__code__ for function in stand_ins}
    names: list[tuple[dict[str, Any], str]] = []
    for number, (function, stand_in) in enumerate(stand_ins.items()):
        name = f"{_STAND_IN}_{number}"
        function.__globals__[name] = stand_in
        names.append((function.__globals__, name))
        function.__code__ = _handing_to(name, function)
    try:
        yield
    finally:
        for function, code in codes.items():
            function.__code__ = code
        for where, name in names:
            del where[name]


def _handing_to(name: str, function: types.FunctionType) -> types.CodeType:
    """Code in the shape of the function's own, also in what it says of where it is."""

    def plain(*args: Any, **kwargs: Any) -> Any:
        return _stand_in(args, kwargs)

    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        result = _stand_in(args, kwargs)
        return await result

    code = function.__code__
    made = asynchronous if inspect.iscoroutinefunction(function) else plain
    return made.__code__.replace(
        co_names=tuple(name if n == "_stand_in" else n for n in made.__code__.co_names),
        co_freevars=code.co_freevars,
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_firstlineno=code.co_firstlineno,
    )


_stand_in: Any = None
