"""Each function of ours made to raise, one at a time: the call stays as it is, one log line says what broke.

The functions are found by walking the package's modules; a new one is in here without a change. Which calls
run which of them is noted once; a broken one is then met by a call of each family that runs it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import ssl
import sys
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from litellm_otel import boundary
from tests.component.calls import driven, driven_others, proxied
from tests.component.calls.behind import behind
from tests.component.calls.breaking import Broken, broken, forget, functions, modules, noted
from tests.component.calls.recorded import DEADLINE, until
from tests.component.calls.test_content import content
from tests.component.tools_and_agents import agent, served, tools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FunctionType

    from stack.standins.provider import Provider
    from tests.component.calls.driven import Driven, Outcome
    from tests.component.calls.recorded import Recorded

pytestmark = pytest.mark.timeout(600)

# Functions the call itself runs through; what they do beside handing it on is in functions of their own.
THE_CALL: dict[str, str] = {
    r"hooks\.followed:\w+\.\w+": "the methods of a stream",
    r"hooks\.assistants:FollowedManager\.\w+": "the same",
    r"hooks\.pass_through:FollowedBody\.(__\w+__|aclose)": "the same",
    r"hooks\.\w+:\w+\.(async_)?\w*(_handler|_request|_hook|_builder|_cooldown|function_with_\w+)": (
        "stand around LiteLLM's function of that name"
    ),
    r"hooks\.\w+:\w+\.(native_setup|generic_api_call|load_config)": "the same",
    r"hooks\.entry_points:EntryPoints\._returned": "hands on the result, whatever reading it raises",
    r"hooks\.\w+:RequestMiddleware\.__call__": "runs the application",
    r"hooks\.websockets:(Sessions\.run|Session\.__init__)": "the same",
    r"hooks\.services:Services\.(succeeded|failed)": "the same",
    r"lean_spans:LeanSpan\.get_span_context": "asked by whoever hands the context on",
    r"hooks\.threads:.*": "stand around LiteLLM's functions of that name",
    r"hooks\.agents:streaming_iterator": "stands around the making of LiteLLM's class of that name",
    r"hooks\.entry:resumed": "stands around the reading of a stream",
}

_AT_THE_START = "runs when LiteLLM is imported or the SDK is set up, not in a call"
_AT_COLLECTION = "runs when metrics are collected; the SDK catches and logs what is raised there"
_AT_THE_END = "runs in a forked child, or when the process ends"

_OF_SESSIONS = "of what is said in sessions, behind the guards of hooks.websockets"
_AT_THE_FIRST: dict[str, str] = dict.fromkeys(
    (
        r"hooks\.\w+:\w+\._(a?sync)_(entry|attempt)",
        r"emit\.\w+:\w+\.(select|on)",
        r"emit\.services:_Used\._instruments",
        r"emit\.(collection:Scope\.add|counters:Counters\._collector)",
    ),
    "runs when something is imported or configured, which the first call of its kind may be",
)

MOST = 8
"""Calls that are made of one broken function."""

NOT_IN_A_CALL: dict[str, str] = {
    r"hooks\.(seams|table|numbers):.*": _AT_THE_START,
    r"hooks\.\w+:(\w+\.)?_?wrap\w*": _AT_THE_START,
    r"hooks\.last_resort:LastResort\.watch": _AT_THE_START,
    r"hooks\.streams:Streams\.(_put_into|forget)": "puts methods of ours into a class, or has lost them",
    r"hooks\.streams:_set": "stands in for the seams' way to do so",
    r"(hooks\.streams:(Mark\.__reduce__|_nothing)|model\.records:Record\.__deepcopy__)": (
        "for who copies what LiteLLM hands out"
    ),
    **_AT_THE_FIRST,
    r".*:\w+\.__init__": _AT_THE_START,
    r"reading\.(call_kinds:_own|entry_point:(entry_point_of|_name_of))": _AT_THE_START,
    r"reading\.parameters:\w+": "make rows of the table of call kinds",
    r"reading\.baggage:reader": _AT_THE_START,
    r"(hooks|reading)\.configuration:.*": "runs once, when the proxy reads its configuration",
    r"content\.policy:.*": _AT_THE_START,
    r"emit\.\w+:(\w+_for|scope_of|fits|prepare|picker|_is_watched|_pattern|before_threads_end)": _AT_THE_START,
    r"emit\.\w+:\w+\.(before_collection|watch_process|load|_load|_find|make|label)": _AT_THE_START,
    r"lean_spans:(lean|LeanTracer\.start_as_current_span)": _AT_THE_START,
    r"lean_spans:LeanSpan\.\w+": "of the API that spans of ours have for others",
    r"emit\.\w+:\w+\.(_?observe\w*|collect|_point|points|_read|add_to)": _AT_COLLECTION,
    r"emit\.\w+:(_collecting|_same|_hours_until)": _AT_COLLECTION,
    r"recorder:Recorder\.(in_flight|under_way_longer_than)": _AT_COLLECTION,
    r"(reading|emit)\.(process|queues|ages|storage):.*": _AT_COLLECTION,
    r"emit\.gauges:Gauge\._ages": _AT_COLLECTION,
    r"reading\.content\.(history|sessions|session_answers):.*": _OF_SESSIONS,
    r"reading\.content\.withholding:_runs_anywhere": _OF_SESSIONS,
    r"model\.content:Conversation\.\w+": _OF_SESSIONS,
    r"(reading\.accounts:.*|recorder:Recorder\._end_calls_within)": (
        "of streamed answers for which LiteLLM calls tools itself"
    ),
    r"emit\.bounded:Bounded\._idle": "when a metric has thousands of series",
    r"reading\.failures:failure_of_answer": "of refusals that LiteLLM says nothing of",
    r"reading\.failures:failure_told": "of errors that providers' own streams tell of, see test_endings",
    r".*:\w+\.(after_fork|clear|shutdown|end_all|_end_open_call)": _AT_THE_END,
    r"model\.emitter:.*": "stands for what emits, until there is any",
    r"emit\.distributions:(SDK)?Distribution\.\w+": "without the SDK's own histograms, see its tests",
    r"emit\.current:_datadogs_context": "with Datadog's tracer",
    r"emit\.nesting:\w+": "with others' instrumentations",
    r"model\.records:Attempt\.idle_seconds": "of streams that nobody reads for minutes",
    r".*:\w+\.late_cost": "of streams whose cost comes when their grace is over",
    r"hooks\.websockets:Providers\.\w+": "of sessions that are opened over TLS, see the tests of routes",
    r"(hooks\.prometheus_callback|reading\.told):.*": "of no call, see test_told",
    r"hooks\.streams:Streams\.failed": "of assistants' runs that the provider says have failed",
    r"emit\.facts:_has": "where metrics are told apart by tags",
    r"reading\.numbers:\w+": "where LiteLLM counts beside calls, behind the guard of the others",
    r"reading\.(content\.withholding:_runs|standing:_is_additive)": "with guardrails, see the tests of content",
    r"reading\.content\.(messages:Messages\.audio|streamed:Streamed\._item)": (
        "of answers that the stand-in does not give, see the unit tests"
    ),
}


class Calls:
    """The loop that all calls are made in, the calls, what each comes to unharmed, and what runs in it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, over: Callable[[], Awaitable[None]]
    ) -> None:
        self.loop = loop
        self._over = over
        self.made: dict[str, Driven] = {}
        self.expected: dict[str, Outcome] = {}
        self.runs: dict[str, set[str]] = {}
        self.seconds: dict[str, float] = {}
        self.families: list[str] = []
        self._turn = 0

    def outcomes(self, names: list[str]) -> dict[str, Outcome]:
        """All of them at once, but for those that can't be, and what LiteLLM does behind them."""
        alone = [name for name in names if self.made[name].alone]
        together = [name for name in names if not self.made[name].alone]

        async def all_of_them() -> list[Outcome]:
            done = [await self.made[name].make() for name in alone]
            done += await asyncio.gather(*(self.made[name].make() for name in together))
            await asyncio.wait_for(self._over(), DEADLINE)
            return done

        done = self.loop.run_until_complete(all_of_them())
        gc.collect()  # dropped streams end so
        return dict(zip(alone + together, done, strict=True))

    def of_each_family(self, function: str) -> list[str]:
        """Of those that run the function, the quickest in each family; of very many, others in turn."""
        chosen: dict[str, str] = {}
        for name in sorted(self.runs, key=lambda name: self.seconds[name]):
            if function in self.runs[name]:
                chosen.setdefault(self.made[name].family, name)
        names = [chosen[family] for family in self.families if family in chosen]
        if len(names) <= MOST:
            return names
        start = self._turn % len(names)
        self._turn += MOST
        return (names + names)[start : start + MOST]


def finish(recorded: Recorded) -> None:
    """Have everything emitted that the calls have left to be."""
    recorder: Any = recorded.instrumentor._recorder
    recorder.flush()
    recorder.emitter.drain()


def _has_no_thread(deferred: Any) -> bool:
    thread = deferred._thread
    if thread is None or not thread.is_alive():
        return True
    deferred.soon(sys.exit)  # starts another thread where this one ends just now
    thread.join(0.1)
    return False


def reset(recorded: Recorded) -> None:
    """Forget what broken telemetry has left open, and what was counted."""
    recorder: Any = recorded.instrumentor._recorder
    finish(recorded)
    until(lambda: _has_no_thread(recorder.deferred))  # it may be on its way to say what broke
    recorder.after_fork()
    recorder.emitter.after_fork()
    recorder.emitter._count_attempt.__wrapped__.__self__.after_fork()
    recorded.open.spans.clear()
    recorded.untold.clear()
    forget()


@pytest.fixture(scope="module")
def calls(
    instrumented: Recorded, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Calls]:
    folder = tmp_path_factory.mktemp("proxied")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with (
        served(tools()) as tools_url,
        served(agent()) as agent_url,
        pytest.MonkeyPatch.context() as patched,
        behind() as over,
    ):
        for pause in ("INITIAL_RETRY_DELAY", "JITTER"):
            patched.setattr(f"litellm.utils.{pause}", 0.0)
        # No call here needs certificates; reading them is most of what it takes to make a client.
        patched.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
        patched.setenv("OTEL_INSTRUMENTATION_GENAI_UPLOAD_BASE_PATH", "memory://completions")
        proxy = proxied.running(folder, provider, tools_url, agent_url)
        app = loop.run_until_complete(proxy.__aenter__())
        for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        asked_for = {
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
            "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK": "upload",
        }
        with content(instrumented, asked_for):
            telemetry: Any = instrumented.instrumentor._recorder.emitter
            telemetry.contents._hook.load()
            assert telemetry.contents._hook._ready.wait(60)
            found = Calls(loop, over)
            for call in (
                *driven.of_the_cases(provider),
                *driven.of_endings(provider),
                *driven_others.of_others(provider, agent_url),
                *proxied.of_the_proxy(
                    app, instrumented.tracer_provider.get_tracer("server"), provider
                ),
            ):
                assert call.name not in found.made
                found.made[call.name] = call
            _learn(found, instrumented)
            yield found
            reset(instrumented)
        gc.unfreeze()
        loop.run_until_complete(proxy.__aexit__(None, None, None))


def _learn(found: Calls, recorded: Recorded) -> None:
    names = list(found.made)
    # Neighbours are of different kinds, so that any few that follow each other are.
    by_hash = {call.family: zlib.crc32(call.family.encode()) for call in found.made.values()}
    found.families = sorted(by_hash, key=lambda family: by_hash[family])
    gc.collect()
    gc.freeze()
    with noted(functions()) as seen:
        for name in names:
            reset(recorded)
            seen.clear()
            began = time.perf_counter()
            found.expected.update(found.outcomes([name]))
            found.seconds[name] = time.perf_counter() - began
            finish(recorded)
            found.runs[name] = set(seen)
    gc.collect()
    gc.freeze()
    reset(recorded)


def _excepted(name: str, *rules: dict[str, str]) -> bool:
    return any(re.fullmatch(rule, name) for each in rules for rule in each)


def test_they_run_all_of_it(calls: Calls) -> None:
    """What runs in a call is broken below, or is an exception with its reason."""
    run = set().union(*calls.runs.values())
    left = [
        name
        for name in functions()
        if name not in run and not _excepted(name, THE_CALL, NOT_IN_A_CALL)
    ]
    assert not left, "\n".join(left)
    needless = [
        rule for rule in THE_CALL if not any(re.fullmatch(rule, name) for name in functions())
    ]
    needless += [
        rule
        for rule in NOT_IN_A_CALL
        if rule not in _AT_THE_FIRST
        and not any(re.fullmatch(rule, name) for name in functions() if name not in run)
    ]
    assert not needless


def _tried(calls: Calls, module: str) -> Iterator[tuple[str, FunctionType, list[str]]]:
    for name, function in functions().items():
        if function.__module__ == module and not _excepted(name, THE_CALL, _AT_THE_FIRST):
            by = calls.of_each_family(name)
            if by:
                yield name, function, by


@pytest.mark.parametrize("module", [module.__name__ for module in modules()])
def test_every_function_may_break(
    instrumented: Recorded,
    calls: Calls,
    module: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorded, wrong = instrumented, list[str]()
    for name, function, by in _tried(calls, module):
        monkeypatch.setattr(boundary, "_reported", set())
        caplog.clear()
        asked_by_the_test = False
        with broken(function) as raised:
            got = calls.outcomes(by)
            try:
                finish(recorded)
            except Broken:
                asked_by_the_test = True
        reset(recorded)
        wrong += [
            f"{name}: {call}: {outcome} instead of {calls.expected[call]}"
            for call, outcome in got.items()
            if outcome != calls.expected[call]
        ]
        lines = [record for record in caplog.records if record.name.startswith("litellm_otel")]
        if asked_by_the_test and not lines:
            continue
        if not raised and not lines:
            if _excepted(name, NOT_IN_A_CALL):
                continue  # it did once, when what it is for was first asked for
            wrong.append(f"{name}: did not run in any of {len(by)} calls: {by[:3]}")
        elif len(lines) != 1:
            told = [f"{line.getMessage()[:80]} {line.exc_text or ''}"[-300:] for line in lines]
            wrong.append(f"{name}: {len(lines)} log lines: {told}")
        elif lines[0].exc_info is None or lines[0].levelno != logging.WARNING:
            wrong.append(f"{name}: no warning with a stack: {lines[0].getMessage()}")
    recorded.clear()
    assert not wrong, "\n".join(text[:900] for text in wrong)
