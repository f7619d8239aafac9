"""What a program can find out about LiteLLM from the outside, as facts that can be compared.

``python -m tests.component.calls.portrait <mode> <provider>`` prints them as JSON for one process:
LiteLLM ``bare``, ``instrumented``, or ``uninstrumented`` again. See `test_as_without`.
"""

from __future__ import annotations

import asyncio
import collections.abc
import copy
import gc
import hashlib
import importlib
import inspect
import json
import os
import pickle
import re
import ssl
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.component.calls.calling import in_program, sdk_call, stream_of
from tests.component.calls.cases import CASES

if TYPE_CHECKING:
    from tests.component.calls.case import Case

Facts = dict[str, Any]

CLASSES = (
    ("litellm.router", "Router"),
    ("litellm.litellm_core_utils.streaming_handler", "CustomStreamWrapper"),
    ("litellm.litellm_core_utils.litellm_logging", "Logging"),
    ("litellm.router_utils.cooldown_cache", "CooldownCache"),
    ("litellm.proxy.utils", "ProxyLogging"),
)
MODULES = (
    "litellm.a2a_protocol.main",
    "litellm.assistants.main",
    "litellm.batch_completion.main",
)
"""Entry points that are in no case."""
ABSTRACT = (
    "AsyncGenerator",
    "AsyncIterable",
    "AsyncIterator",
    "Awaitable",
    "Callable",
    "Coroutine",
    "Generator",
    "Iterable",
    "Iterator",
    "Mapping",
)
PREDICATES = (
    "isabstract",
    "isasyncgen",
    "isasyncgenfunction",
    "isawaitable",
    "isbuiltin",
    "isclass",
    "iscoroutine",
    "iscoroutinefunction",
    "isfunction",
    "isgenerator",
    "isgeneratorfunction",
    "ismethod",
    "ismethoddescriptor",
    "isroutine",
)
OURS = "litellm_otel"


# -- functions and classes ---------------------------------------------------------------------


def of_callable(value: Any) -> Facts:
    """A function or method as introspection sees it."""
    return {
        "names": [getattr(value, name, None) for name in ("__name__", "__qualname__")],
        "module": getattr(value, "__module__", None),
        "doc": _digest(getattr(value, "__doc__", None)),
        "signature": _attempt(lambda: str(inspect.signature(value))),
        "own signature": _attempt(lambda: str(inspect.signature(value, follow_wrapped=False))),
        "annotations": _attempt(lambda: sorted(value.__annotations__)),
        "defaults": [
            _lasting(repr(getattr(value, name, None)))
            for name in ("__defaults__", "__kwdefaults__")
        ],
        "asyncio.iscoroutinefunction": asyncio.iscoroutinefunction(value),
        "attributes": _attempt(lambda: sorted(vars(value))),
        "wrapped": _attempt(lambda: _identity(value.__wrapped__)),
        "unwrapped": _attempt(lambda: _identity(inspect.unwrap(value))),
        "pickled": _attempt(lambda: pickle.loads(pickle.dumps(value)) == value),
        "copied": _attempt(lambda: copy.copy(value) is value),
        "deeply": _attempt(lambda: copy.deepcopy(value) is value),
        **_predicates(value),
    }


def _identity(function: Any) -> str:
    code = getattr(function, "__code__", None)
    where = f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code else "no code"
    return f"{type(function).__name__} {getattr(function, '__qualname__', '')} {where}"


def _predicates(value: Any) -> Facts:
    facts: Facts = {name: getattr(inspect, name)(value) for name in PREDICATES}
    facts |= {name: isinstance(value, getattr(collections.abc, name)) for name in ABSTRACT}
    return facts


def _digest(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()[:16]


def _attempt(ask: Callable[[], Any]) -> Any:
    try:
        answer = ask()
    except Exception as error:
        answer = f"{type(error).__name__}: {_lasting(str(error))[:80]}"
    return _lasting(answer) if isinstance(answer, str) else answer


def _lasting(text: str) -> str:
    """The text without what differs from process to process."""
    return re.sub(r"0x[0-9a-f]+|environ\(.*?\}\)", "…", text)


def functions() -> Iterator[tuple[str, Any]]:
    """Every function that a loaded module of LiteLLM has, once, under its first name."""
    known: set[int] = set()
    for module_name in sorted(sys.modules):
        module = sys.modules[module_name]
        if module_name.partition(".")[0] != "litellm" or not isinstance(module, types.ModuleType):
            continue
        for name, value in sorted(vars(module).items(), key=lambda item: item[0]):
            if isinstance(value, types.FunctionType) and id(value) not in known:
                known.add(id(value))
                yield f"{module_name}:{name}", value


def of_class(made: type) -> Facts:
    facts: Facts = {
        "attributes": sorted(vars(made)),
        "bases": [base.__qualname__ for base in made.__mro__],
    }
    for name in sorted(vars(made)):
        if name in ("__dict__", "__weakref__", "__doc__", "__abstractmethods__"):
            continue
        value = inspect.getattr_static(made, name)
        if isinstance(value, types.FunctionType) or hasattr(value, "__wrapped__"):
            facts[name] = of_callable(getattr(made, name))
    return facts


def static() -> Facts:
    """Modules, functions and classes."""
    import litellm

    facts: Facts = {
        "litellm": {"attributes": sorted(vars(litellm)), "dir": sorted(dir(litellm))},
        "modules": {
            name: sorted(vars(module))
            for name, module in sorted(sys.modules.items())
            if name.partition(".")[0] == "litellm" and isinstance(module, types.ModuleType)
        },
    }
    for module, name in CLASSES:
        facts[f"class {name}"] = of_class(getattr(importlib.import_module(module), name))
    for name, function in functions():
        facts[f"function {name}"] = of_callable(function)
    return facts


# -- results -----------------------------------------------------------------------------------


def of_object(value: Any) -> Facts:
    """A returned object, not iterated."""
    made = value.__class__
    if isinstance(value, httpx.Response):
        _attempt(lambda: value.text)  # LiteLLM's logging reads it too, sooner or later
    return {
        "class": f"{made.__module__}.{made.__qualname__}",
        "isinstance of its class": isinstance(value, made),
        "mro": [base.__qualname__ for base in made.__mro__],
        "dir": _attempt(lambda: sorted(dir(value))),
        "vars": _attempt(lambda: sorted(vars(value))),
        "repr": type(repr(value)).__name__,
        "copy": _attempt(lambda: copy.copy(value).__class__.__qualname__),
        "copied": _attempt(lambda: sorted(vars(copy.copy(value)))),
        "deepcopy": _attempt(lambda: copy.deepcopy(value).__class__.__qualname__),
        "pickle": _attempt(lambda: pickle.loads(pickle.dumps(value)).__class__.__qualname__),
        "hash": _attempt(lambda: hash(value) == hash(value)),
        "equal to itself": _attempt(lambda: value == value),
        "true": _attempt(lambda: bool(value)),
        "iter is itself": _attempt(lambda: iter(value) is value),
        "aiter is itself": _attempt(lambda: aiter(value) is value),
        **{
            f"has {name}": callable(getattr(value, name, None))
            for name in ("aclose", "athrow", "asend", "close", "throw", "send", "__del__")
        },
        **_predicates(value),
    }


def of_exception(error: BaseException) -> Facts:
    """An exception with what caused it; of its frames, those that are not ours."""
    frames = [(frame.filename, frame.name) for frame in traceback.extract_tb(error.__traceback__)]
    theirs = [(f"{os.path.basename(file)}:{name}") for file, name in frames if OURS not in file]
    runs = "".join("o" if OURS in file else "." for file, _ in frames).split(".")
    facts: Facts = {
        "class": f"{type(error).__module__}.{type(error).__qualname__}",
        "text": _without_numbers(str(error)),
        "args": [_without_numbers(repr(argument)) for argument in error.args],
        "vars": sorted(vars(error)),
        "frames": theirs,
        "suppressed": error.__suppress_context__,
        "notes": getattr(error, "__notes__", None),
        "pickle": _attempt(lambda: type(pickle.loads(pickle.dumps(error))).__qualname__),
        "copy": _attempt(lambda: type(copy.copy(error)).__qualname__),
    }
    if error.__cause__ is not None:
        facts["cause"] = of_exception(error.__cause__)
    elif error.__context__ is not None:
        facts["context"] = of_exception(error.__context__)
    return {**facts, "our longest run of frames": max(len(run) for run in runs)}


def _without_numbers(text: str) -> str:
    return "".join("#" if letter.isdigit() else letter for letter in text)


MESSAGES = [{"role": "user", "content": "Say something."}]
CALLS: tuple[tuple[str, str, Facts], ...] = (
    ("completion", "openai/gpt-4o", {"messages": MESSAGES}),
    ("text_completion", "text-completion-openai/gpt-3.5-turbo-instruct", {"prompt": "Say it."}),
    ("embedding", "openai/text-embedding-3-small", {"input": ["Say it."]}),
    ("responses", "openai/gpt-4o", {"input": "Say it."}),
)
STREAMED = ("completion", "text_completion", "responses")


async def results(base_url: str) -> Facts:
    """What each entry point returns and raises, in each twin, whole and streamed, SDK and Router."""
    import litellm

    facts: Facts = {}
    for name, model, arguments in CALLS:
        router = litellm.Router(
            model_list=[
                {
                    "model_name": model + behaviour,
                    "litellm_params": {
                        "model": model + behaviour,
                        "api_base": base_url,
                        "api_key": "sk-portrait",
                        "max_retries": 0,
                    },
                }
                for behaviour in ("", "@server-error", "@broken-stream-after-2")
            ],
            num_retries=0,
            disable_cooldowns=True,
        )
        for owner, by in ((litellm, "SDK"), (router, "Router")):
            for twin in ("", "a"):
                function = getattr(owner, twin + name, None)
                if function is None:
                    continue
                for stream in (False, True) if name in STREAMED else (False,):
                    given = {"api_base": base_url, "api_key": "sk-portrait", "max_retries": 0}
                    given = {**(given if owner is litellm else {}), **arguments}
                    if stream:
                        given["stream"] = True
                    about = f"{by} {twin}{name}{' streamed' if stream else ''}"
                    facts[about] = await _good(function, {**given, "model": model})
                    failing = {**given, "model": f"{model}@server-error"}
                    facts[f"{about}, failing"] = await _bad(function, failing)
                    if stream:
                        broken = {**given, "model": f"{model}@broken-stream-after-2"}
                        facts[f"{about}, breaking"] = await _bad(function, broken)
                        for way in ("closed", "thrown into", "dropped"):
                            facts[f"{about}, {way}"] = await _left(
                                function, {**given, "model": model}, way
                            )
    return facts


@dataclass(frozen=True)
class Where:
    """The provider stand-in, as far as a process that only knows its address can."""

    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def address(self) -> str:
        return self.url

    def base_url(self) -> str:
        return f"{self.url}/v1"


async def results_of_cases(provider: Any) -> Facts:
    """What each entry point of the table of cases returns, in each twin."""
    facts: Facts = {}
    for case in CASES:
        for twin in case.twins:
            function, given = sdk_call(case, twin, provider)
            about = f"SDK {case.id} {twin}{' streamed' if case.stream else ''}"
            if twin == "sync":
                facts[about] = await asyncio.to_thread(in_program, _of_case, function, given, case)
            else:
                facts[about] = await _good(function, given, stream=case.stream)
    return facts


def _of_case(function: Any, given: Facts, case: Case) -> Facts:
    result = function(**given)
    facts: Facts = {"result": of_object(result)}
    if case.stream:
        stream = stream_of(result)
        facts["stream"] = of_object(stream)
        facts["chunks"] = sorted({type(chunk).__qualname__ for chunk in stream})
    return facts


async def _good(function: Any, given: Facts, *, stream: bool = False) -> Facts:
    result = function(**given)
    facts: Facts = {}
    if inspect.iscoroutine(result):
        facts["coroutine"] = [result.__name__, result.__qualname__, type(result).__name__]
        result = await result
    facts["result"] = of_object(result)
    if stream:
        facts["stream"] = of_object(stream_of(result))
        seen = [type(chunk).__qualname__ async for chunk in stream_of(result)]
        facts["chunks"] = sorted(set(seen))
    elif given.get("stream"):
        chunks = await _read(result)
        facts["chunks"] = [type(chunk).__qualname__ for chunk in chunks]
        facts["after the end"] = await _outcome(_next(result))
        facts["result at the end"] = {
            "vars": facts["result"]["vars"],
            "dir": facts["result"]["dir"],
        }
    return facts


async def _bad(function: Any, given: Facts) -> Facts:
    seen: list[str] = []
    try:
        result = function(**given)
        if inspect.isawaitable(result):
            result = await result
        if given.get("stream"):
            await _read(result, seen)
    except Exception as error:
        return {"chunks": seen, **of_exception(error)}
    return {"chunks": seen, "class": "none"}


async def _left(function: Any, given: Facts, way: str) -> Facts:
    """A stream of which one chunk is read, and what it then says to being left."""
    stream = function(**given)
    if inspect.isawaitable(stream):
        stream = await stream
    await _next(stream)
    facts: Facts = {}
    if way == "closed":
        for name in ("aclose", "close"):
            if callable(getattr(stream, name, None)):
                facts[name] = await _outcome(_maybe_awaited(getattr(stream, name)))
    elif way == "thrown into":
        for name in ("athrow", "throw"):
            if callable(getattr(stream, name, None)):
                facts[name] = await _outcome(_maybe_awaited(getattr(stream, name), KeyError("in")))
    else:
        del stream
        gc.collect()
        return facts
    facts["next"] = await _outcome(_next(stream))
    return facts


async def _maybe_awaited(function: Any, *args: Any) -> Any:
    result = function(*args)
    return await result if inspect.isawaitable(result) else result


async def _next(stream: Any) -> Any:
    if hasattr(stream, "__anext__") and not hasattr(stream, "__next__"):
        return await anext(stream)
    if hasattr(stream, "__anext__") and asynchronous(stream):
        return await anext(stream)
    try:
        return next(stream)
    except StopIteration:
        return "no more"


def asynchronous(stream: Any) -> bool:
    """Of streams that can be read either way: whether this one was asked for asynchronously."""
    inner = getattr(stream, "completion_stream", None)
    return hasattr(inner, "__anext__") if inner is not None else not hasattr(stream, "__next__")


async def _outcome(awaitable: Any) -> Any:
    try:
        return type(await awaitable).__qualname__
    except BaseException as error:
        return f"{type(error).__qualname__}: {_without_numbers(str(error))[:80]}"


async def _read(stream: Any, seen: list[str] | None = None) -> list[Any]:
    chunks: list[Any] = []
    names = [] if seen is None else seen
    if hasattr(stream, "__anext__") and asynchronous(stream):
        async for chunk in stream:
            chunks.append(chunk)
            names.append(type(chunk).__qualname__)
    else:
        for chunk in stream:
            chunks.append(chunk)
            names.append(type(chunk).__qualname__)
    return chunks


def main(mode: str, base_url: str) -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    instrumentor: Any = None
    if mode != "bare":
        from litellm_otel.instrumentor import LiteLLMInstrumentor

        instrumentor = LiteLLMInstrumentor()
        instrumentor.instrument()
    import litellm

    litellm.suppress_debug_info = True
    # No call here needs certificates; reading them is most of what it takes to make a client.
    ssl.SSLContext.load_verify_locations = lambda *_, **__: None
    for module in (*MODULES, *(f"litellm.{case.module}" for case in CASES)):
        importlib.import_module(module)
    for module, _ in CLASSES:
        importlib.import_module(module)
    if mode == "uninstrumented":
        instrumentor.uninstrument()
    facts = {**static(), **asyncio.run(results(base_url))}
    facts |= asyncio.run(results_of_cases(Where(base_url.removesuffix("/v1"))))
    json.dump(facts, sys.stdout, default=str)


if __name__ == "__main__":
    main(*sys.argv[1:])
