"""Each function of ours made to raise, one at a time: the call stays as it is, one log line says what broke.

The functions are found by walking the package's modules; a new one is in here without a change.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import inspect
import logging
import pkgutil
import re
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from litellm_otel import boundary

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

WALKED = ("hooks", "reading", "emit", "model", "content", "recorder", "deferred", "lean_spans")
MESSAGES = [{"role": "user", "content": "Say something."}]

# Functions the call itself runs through; what they do beside handing it on is in functions of their own.
THE_CALL: dict[str, str] = {
    r"hooks\.followed:\w+\.\w+": "the methods of a stream",
    r"hooks\.assistants:FollowedManager\.\w+": "the same",
    r"hooks\.\w+:\w+\.(async_)?\w*(_handler|_request|_hook|_builder|_cooldown|function_with_\w+)": (
        "stand around LiteLLM's function of that name"
    ),
    r"hooks\.entry_points:EntryPoints\._returned": "hands on the result, whatever reading it raises",
    r"hooks\.\w+:RequestMiddleware\.__call__": "runs the application",
    r"hooks\.services:Services\.(succeeded|failed)": "the same",
    r"hooks\.threads:\w+": "stand around LiteLLM's functions of that name",
    r"hooks\.\w+:(\w+\.)?_?wrap\w*": "run when LiteLLM is imported, not in a call; see the seams' own tests",
    r"hooks\.(seams|table):.*": "the same",
    r"hooks\.websockets:.*": "need a server",
    r"hooks\.pass_through:.*": "the same",
}


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


class Broken(Exception):
    """What a broken function raises."""


def _raising(function: types.FunctionType, error: type[Exception]) -> types.CodeType:
    """Code that raises, in the shape of the function's own: bound methods and closures break with it."""
    code = function.__code__

    def plain(*args: Any, **kwargs: Any) -> Any:
        raise _error()

    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        raise _error()

    made = asynchronous if inspect.iscoroutinefunction(function) else plain
    names = tuple(
        f"litellm_otel_broken_{error.__name__}" if n == "_error" else n
        for n in made.__code__.co_names
    )
    return made.__code__.replace(
        co_names=names,
        co_freevars=code.co_freevars,
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_firstlineno=code.co_firstlineno,
    )


_error: Any = None


@contextlib.contextmanager
def broken(
    function: types.FunctionType, error: type[Exception] = Broken
) -> Iterator[list[Exception]]:
    """Yields what it has raised."""
    name = f"litellm_otel_broken_{error.__name__}"
    raised: list[Exception] = []

    def make() -> Exception:
        raised.append(error("this piece of telemetry is broken"))
        return raised[-1]

    function.__globals__[name] = make
    code = function.__code__
    function.__code__ = _raising(function, error)
    try:
        yield raised
    finally:
        function.__code__ = code
        del function.__globals__[name]


# -- the calls -----------------------------------------------------------------------------------


def options(provider: Provider, behaviour: str = "") -> dict[str, Any]:
    return {
        "model": f"openai/gpt-4o{behaviour}",
        "api_base": provider.base_url(),
        "api_key": "sk-injected",
        "max_retries": 0,
    }


def router(provider: Provider) -> Any:
    import litellm

    return litellm.Router(
        [
            {"model_name": name, "litellm_params": options(provider, behaviour)}
            for name, behaviour in (
                ("good", ""),
                ("failing", "@server-error"),
                ("breaking", "@broken-stream-after-2"),
            )
        ],
        fallbacks=[{"failing": ["good"]}],
        num_retries=0,
    )


Call = Callable[[], Any]


def calls(provider: Provider, routed: Any) -> dict[str, Call]:
    """SDK and Router, sync and async, whole and streamed, good and failing."""
    import litellm

    made: dict[str, Call] = {}
    for asynchronous in (False, True):
        name = "acompletion" if asynchronous else "completion"
        for stream in (False, True):
            about = f"{name}{' streamed' if stream else ''}"
            for ending, behaviour in (
                ("good", ""),
                ("failing", "@server-error"),
                *((("breaking", "@broken-stream-after-2"),) if stream else ()),
            ):
                given = {"messages": MESSAGES, "stream": stream}
                sdk = {**options(provider, behaviour), **given}
                by_group = {"model": ending, **given}
                for owner, arguments in ((litellm, sdk), (routed, by_group)):
                    by = "SDK" if owner is litellm else "Router"
                    function = getattr(owner, name)
                    made[f"{by} {about} {ending}"] = lambda f=function, a=arguments: f(**a)
    made["SDK embedding"] = lambda: litellm.embedding(
        **{**options(provider), "model": "openai/text-embedding-3-small"}, input=["x"]
    )
    made["SDK responses streamed"] = lambda: litellm.responses(
        **options(provider), input="x", stream=True
    )
    made["SDK stream closed"] = lambda: _closed(
        litellm.acompletion(**options(provider), messages=MESSAGES, stream=True)
    )
    made["SDK stream dropped"] = lambda: _dropped(
        litellm.completion(**options(provider), messages=MESSAGES, stream=True)
    )
    return made


async def _closed(answer: Any) -> Any:
    stream = await answer
    first = await anext(stream)
    await stream.aclose()
    return first


def _dropped(stream: Any) -> Any:
    return next(stream)


async def outcome(call: Call) -> tuple[Any, ...]:
    """What a call comes to: its result, chunks and exception, without ids and times."""
    chunks: list[str] = []
    try:
        result = call()
        if inspect.isawaitable(result):
            result = await result
        kind = _named(type(result))
        if hasattr(result, "model_dump"):
            return kind, _lasting(repr(result.model_dump()))
        if hasattr(result, "__anext__") and not isinstance(
            getattr(result, "completion_stream", None), Iterator
        ):
            async for chunk in result:
                chunks.append(f"{type(chunk)} {_lasting(repr(chunk.model_dump()))}")
        else:
            for chunk in result:
                chunks.append(f"{type(chunk)} {_lasting(repr(chunk.model_dump()))}")
    except Exception as error:
        return [_named(type(one)) for one in _chain(error)], chunks, _lasting(str(error))
    else:
        return kind, chunks


def _named(kind: type) -> tuple[str, str, int]:
    """A class; one that is made anew for each call by its name."""
    local = "<locals>" in kind.__qualname__
    return kind.__module__, kind.__qualname__, 0 if local else id(kind)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _lasting(text: str) -> str:
    return re.sub(r"\d+|[a-z]+-[a-f0-9-]{12,}|0x[0-9a-f]+|[\w-]{40,}={0,2}", "#", text)


# -- the test ------------------------------------------------------------------------------------


def reset(recorded: Recorded) -> None:
    """Forget what broken telemetry has left open."""
    recorder: Any = recorded.instrumentor._recorder
    recorder.emitter.drain()
    recorder.flush()
    recorder.after_fork()
    recorder.emitter.after_fork()
    recorded.open.count = 0


async def outcomes(made: dict[str, Call]) -> dict[str, tuple[Any, ...]]:
    """All of them at once; those that block, in threads."""

    async def blocking(call: Call) -> tuple[Any, ...]:
        return await asyncio.to_thread(asyncio.run, outcome(call))

    done = await asyncio.gather(
        *(outcome(call) if " a" in name else blocking(call) for name, call in made.items())
    )
    gc.collect()  # dropped streams end so
    return dict(zip(made, done, strict=True))


async def reached(recorded: Recorded, made: dict[str, Call]) -> set[types.CodeType]:
    """The code of ours that these calls run, wherever it runs."""
    seen: set[types.CodeType] = set()

    def note(frame: types.FrameType, event: str, argument: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        await outcomes(made)
        await asyncio.to_thread(recorded.settle)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return seen


class Baseline:
    """The calls, what they come to unharmed, and the functions of ours they run."""

    def __init__(self, made: dict[str, Call], expected: dict[str, tuple[Any, ...]]) -> None:
        self.made = made
        self.expected = expected
        self.tried: dict[str, types.FunctionType] = {}


@pytest.fixture(scope="module")
def baseline(instrumented: Recorded, provider: Provider) -> Iterator[Baseline]:
    with pytest.MonkeyPatch.context() as patched:
        for pause in ("INITIAL_RETRY_DELAY", "JITTER"):
            patched.setattr(f"litellm.utils.{pause}", 0.0)
        made = calls(provider, router(provider))
        gc.collect()
        gc.freeze()
        asyncio.run(outcomes(made))
        found = Baseline(made, asyncio.run(outcomes(made)))
        reset(instrumented)  # what other modules dropped is frozen, too, and never collected
        seen = asyncio.run(reached(instrumented, made))
        found.tried = {
            name: function
            for name, function in functions().items()
            if function.__code__ in seen and not any(re.fullmatch(rule, name) for rule in THE_CALL)
        }
        yield found
        gc.unfreeze()


def test_the_calls_run_most_of_it(baseline: Baseline) -> None:
    assert len(baseline.tried) > 120, sorted(baseline.tried)
    needless = [rule for rule in THE_CALL if not any(re.fullmatch(rule, n) for n in functions())]
    assert not needless


@pytest.mark.parametrize("module", [module.__name__ for module in modules()])
async def test_every_function_may_break(
    recorded: Recorded,
    baseline: Baseline,
    module: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong: list[str] = []
    for name, function in baseline.tried.items():
        if function.__module__ != module:
            continue
        monkeypatch.setattr(boundary, "_reported", set())
        caplog.clear()
        with broken(function) as raised:
            got = await outcomes(baseline.made)
        reset(recorded)
        wrong += [
            f"{name}: {call}: {got[call]} instead of {expected}"
            for call, expected in baseline.expected.items()
            if got[call] != expected
        ]
        lines = [record for record in caplog.records if record.name.startswith("litellm_otel")]
        if not raised and not lines:
            continue  # it runs now and then
        if len(lines) != 1:
            told = [f"{line.getMessage()[:80]} {line.exc_text or ''}"[-300:] for line in lines]
            wrong.append(f"{name}: {len(lines)} log lines: {told}")
        elif lines[0].exc_info is None or lines[0].levelno != logging.WARNING:
            wrong.append(f"{name}: no warning with a stack: {lines[0].getMessage()}")
    recorded.clear()
    assert not wrong, "\n".join(text[:600] for text in wrong)
