"""Calls of every kind and of many endings, to be made over and over, and what each comes to."""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.component.calls import calling
from tests.component.calls.cases import CASES

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.calls.case import Case, Twin

Outcome = tuple[Any, ...]
MESSAGES = [{"role": "user", "content": "Say something."}]


@dataclass(frozen=True)
class Driven:
    """One call that can be made again."""

    name: str
    family: str
    """Of several in a family that run a function of ours, one is made when that is broken."""
    make: Callable[[], Awaitable[Outcome]]
    alone: bool = False
    """Whether it changes what others made at the same time would come to."""


# -- what a call comes to --------------------------------------------------------------------------


def blocking(call: Callable[[], Any]) -> Callable[[], Awaitable[Outcome]]:
    """A call without a loop of its own, in a thread."""

    def run() -> Outcome:
        asyncio.set_event_loop(_loop_of_this_thread())
        try:
            result = call()
            return _whole(result) if not _is_stream(result) else _streamed(result)
        except Exception as error:
            return _raised(error)

    async def in_a_program() -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(_PROGRAMS, run)

    return in_a_program


_PROGRAMS = ThreadPoolExecutor(4, "program")
_of_this_thread = threading.local()


def _loop_of_this_thread() -> asyncio.AbstractEventLoop:
    """The same for good: LiteLLM makes its clients anew where it finds another one."""
    if not hasattr(_of_this_thread, "loop"):
        _of_this_thread.loop = asyncio.new_event_loop()
    return _of_this_thread.loop


def awaited(call: Callable[[], Any]) -> Callable[[], Awaitable[Outcome]]:
    async def run() -> Outcome:
        try:
            result = call()
            if inspect.isawaitable(result):
                result = await result
            if not _is_stream(result):
                return _whole(result)
            if not hasattr(calling.stream_of(result), "__anext__"):
                return await asyncio.to_thread(_streamed, result)
            return await _streamed_asynchronously(result)
        except Exception as error:
            return _raised(error)

    return run


def _is_stream(result: Any) -> bool:
    stream = calling.stream_of(result) if hasattr(result, "stream_iterator") else result
    if hasattr(stream, "model_dump") or isinstance(stream, (str, bytes, dict, list)):
        return False
    return hasattr(stream, "__next__") or hasattr(stream, "__anext__")


def _whole(result: Any) -> Outcome:
    return _named(result.__class__), _said(result)


def _streamed(result: Any) -> Outcome:
    chunks: list[Any] = []
    try:
        for chunk in calling.stream_of(result):
            chunks.append(chunk)
    except Exception as error:
        return (*_raised(error), *_said_by(chunks))
    return _named(result.__class__), *_said_by(chunks)


async def _streamed_asynchronously(result: Any) -> Outcome:
    chunks: list[Any] = []
    try:
        async for chunk in calling.stream_of(result):
            chunks.append(chunk)
    except Exception as error:
        return (*_raised(error), *_said_by(chunks))
    return _named(result.__class__), *_said_by(chunks)


def _said_by(chunks: list[Any]) -> Iterator[str]:
    if all(isinstance(chunk, bytes) for chunk in chunks):
        yield lasting(repr(b"".join(chunks)))  # cut where the network cut them
        return
    for chunk in chunks:
        yield f"{type(chunk)} {_said(chunk)}"


def _raised(error: BaseException) -> Outcome:
    if isinstance(error, (AssertionError, NameError)):
        raise error  # of the tests' own
    return [_named(type(one)) for one in _chain(error)], lasting(str(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:  # some of LiteLLM's go round in a circle
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _named(kind: type) -> tuple[str, str, int]:
    """A class; one that is made anew for each call by its name."""
    anew = any(sign in kind.__qualname__ for sign in ("<locals>", "["))
    return kind.__module__, kind.__qualname__, 0 if anew else id(kind)


def _said(value: Any) -> str:
    return lasting(repr(value.model_dump() if hasattr(value, "model_dump") else value))


_PASSING = r"0x[0-9a-f]+|[a-f0-9]{8}-[a-f0-9-]{27}|[a-z]+[-_][a-f0-9-]{12,}|[\w-]{40,}={0,2}|\d+"


def lasting(text: str) -> str:
    """The text without ids and times."""
    return re.sub(_PASSING, "#", text)


# -- every entry point, and many endings -----------------------------------------------------------


def of_the_cases(provider: Provider) -> Iterator[Driven]:
    """Each case of the table in each twin, and through a Router where it has the method."""
    # One for all: each Router adds callbacks to LiteLLM's, which all calls go through.
    router = calling.router_of([case for case in CASES if case.routed], provider, _group)
    for case in CASES:
        streamed = " streamed" if case.stream else ""
        for twin in case.twins:
            yield Driven(
                f"SDK {case.id} {twin}",
                f"SDK {case.kind}{streamed}",
                _run(twin, _by_sdk(case, twin, provider)),
            )
        for twin in case.routed:
            yield Driven(
                f"Router {case.id} {twin}",
                f"Router{streamed}",
                _run(twin, _by_router(router, case, twin, provider)),
            )


def _run(twin: Twin, call: Callable[[], Any]) -> Callable[[], Awaitable[Outcome]]:
    return blocking(call) if twin == "sync" else awaited(call)


def _by_sdk(case: Case, twin: Twin, provider: Provider) -> Callable[[], Any]:
    def call() -> Any:
        function, arguments = calling.sdk_call(case, twin, provider)
        return function(**arguments)

    return call


def _by_router(router: Any, case: Case, twin: Twin, provider: Provider) -> Callable[[], Any]:
    function = getattr(router, case.router_method(twin))
    return lambda: function(**calling.router_arguments(case, provider, _group(case)))


def _group(case: Case) -> str:
    return case.id


def options(provider: Provider, behaviour: str = "") -> dict[str, Any]:
    return {
        "model": f"openai/gpt-4o{behaviour}",
        "api_base": provider.base_url(),
        "api_key": "sk-injected",
        "max_retries": 0,
    }


def _router(provider: Provider) -> Any:
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


def of_endings(provider: Provider) -> Iterator[Driven]:
    """SDK and Router, sync and async, whole and streamed: failing, breaking off, closed, dropped."""
    import litellm

    routed = _router(provider)
    for twin, run in (("completion", blocking), ("acompletion", awaited)):
        for stream in (False, True):
            about = f"{twin}{' streamed' if stream else ''}"
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
                    function = getattr(owner, twin)
                    name = f"{by} {about} {ending}"
                    yield Driven(name, name, run(lambda f=function, a=arguments: f(**a)))
    for name, way in (("closed", _closed), ("dropped", _dropped)):
        name = f"SDK stream {name}"
        yield Driven(
            name,
            name,
            awaited(
                lambda way=way: way(
                    litellm.acompletion(**options(provider), messages=MESSAGES, stream=True)
                )
            ),
        )


async def _closed(answer: Any) -> Any:
    stream = await answer
    first = await anext(stream)
    await stream.aclose()
    return first


async def _dropped(answer: Any) -> Any:
    return await anext(await answer)
