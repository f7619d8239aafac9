"""A program finds LiteLLM as it is without us: functions, classes, results, streams, exceptions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.calls.portrait import Facts
from tests.component.programs import run_program
from tests.component.proxy_process import environment

if TYPE_CHECKING:
    from stack.standins.provider import Provider

ROOT = Path(__file__).parents[3]
MODES = ("bare", "instrumented", "uninstrumented")
RUN = "our longest run of frames"
SECONDS = 900
MAX_RUN = 2
"""Frames of ours that may follow each other in a traceback: the call as its user sees it, and the attempt."""

Difference = tuple[str, str]
"""Where, and what."""

# What may differ, with the reason. A row that nothing needs any more fails the test.
DIFFERENT: dict[str, tuple[tuple[str, str], ...]] = {
    "instrumented": (
        # A hooked method leads to the original by `__wrapped__`, as functools.wraps has it.
        (r"class \w+ / \w+ / wrapped", ""),
        (r"class \w+ / \w+ / attributes", "__wrapped__|__module__"),
        # Ours stand before it; `inspect.signature` follows `__wrapped__` and gives the original's.
        (r"class CustomStreamWrapper / \w+ / own signature", ""),
        (r"function .* / (own signature|defaults|wrapped|attributes)", ""),
        # LiteLLM's decorator itself: leads nowhere, or it would be taken for one of its functions.
        (r"function litellm:client / unwrapped", "entry_points.py"),
        # What tells a stream that is followed from one that is not, and when it is collected.
        (
            r".* streamed / (result( at the end)?|stream) / (dir|vars|copied)",
            "_litellm_otel_mark|__del__",
        ),
        (r".* streamed / (result|stream) / has __del__", "True"),
        # It returns the generator inside a proxy, which is one to `isinstance`.
        (r"function litellm\.a2a_protocol.*:asend_message_streaming / isasyncgenfunction", "False"),
        # Functions that were one object under two names.
        (r"function litellm\.litellm_core_utils\.fallback_utils:run_async_function", ""),
    ),
    "uninstrumented": (
        # What was decorated while instrumented stays, and does nothing; other modules hold on to it.
        (r"function .* / (own signature|defaults|wrapped|attributes|pickled|unwrapped)", ""),
        (r"function litellm\.a2a_protocol.*:asend_message_streaming / isasyncgenfunction", "False"),
        # The originals are back beside what other modules imported meanwhile.
        (r"function litellm\.[\w.]+:\w+", "<none>"),
    ),
}


@pytest.fixture(scope="module")
def portraits(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    folder = tmp_path_factory.mktemp("portraits")

    def portrait(mode: str) -> Facts:
        with (
            (folder / f"{mode}.json").open("w+") as out,
            (folder / f"{mode}.log").open("w+") as log,
        ):
            done = subprocess.run(
                [sys.executable, "-m", "tests.component.calls.portrait", mode, provider.base_url()],
                env=environment(PYTHONHASHSEED="0"),
                cwd=ROOT,
                stdout=out,
                stderr=log,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == 0, (folder / f"{mode}.log").read_text()[-4000:]
            out.seek(0)
            return json.load(out)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MODES, pool.map(portrait, MODES), strict=True))


def differences(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            if name != RUN:
                yield from differences(
                    before.get(name, "<none>"), after.get(name, "<none>"), (*path, name)
                )
    elif isinstance(before, list) and isinstance(after, list):
        gone = [item for item in before if item not in after]
        come = [item for item in after if item not in before]
        what = f"gone: {gone}, come: {come}" if gone or come else f"{before} → {after}"
        yield " / ".join(path), what[:500]
    else:
        yield " / ".join(path), f"{str(before)[:250]} → {str(after)[:250]}"


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("mode", MODES[1:])
def test_as_bare(portraits: dict[str, Facts], mode: str) -> None:
    found = list(differences(portraits["bare"], portraits[mode]))
    rules = DIFFERENT[mode]
    unexplained = [
        f"{where}: {what}"
        for where, what in found
        if not any(re.fullmatch(at, where) and re.search(how, what) for at, how in rules)
    ]
    assert not unexplained, "\n".join(unexplained)
    needless = [
        at
        for at, how in rules
        if not any(re.fullmatch(at, where) and re.search(how, what) for where, what in found)
    ]
    assert not needless, f"no longer needed: {needless}"


def runs(facts: Any) -> Iterator[int]:
    if isinstance(facts, dict):
        if RUN in facts:
            yield facts[RUN]
        for value in facts.values():
            yield from runs(value)


def test_tracebacks_hardly_grow(portraits: dict[str, Facts]) -> None:
    assert max(runs(portraits["bare"])) == 0
    assert 0 < max(runs(portraits["instrumented"])) <= MAX_RUN


RESTORED = """
import importlib, json, os
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm, litellm.proxy.utils, litellm.router, litellm.batch_completion.main
from litellm_otel.instrumentor import LiteLLMInstrumentor
from litellm_otel.hooks.seams import _find
from litellm_otel.hooks.table import seams_for
from litellm_otel.recorder import Recorder

def present():
    import sys
    found = {}
    for seam in seams_for(Recorder()).seams:
        if seam.module not in sys.modules:
            continue
        at = _find(sys.modules[seam.module], seam)
        if at is None:
            continue
        owner, name = at
        found[f"{seam.module}:{seam.attribute}"] = (name in vars(owner), vars(owner).get(name))
    return found

before = present()
for _ in range(2):
    LiteLLMInstrumentor().instrument()
    during = present()
    LiteLLMInstrumentor().uninstrument()
    after = present()
    replaced = [name for name in before if during[name][1] is not before[name][1]]
    left = [name for name in before
            if after[name][0] != before[name][0] or after[name][1] is not before[name][1]]
    print(json.dumps({"seams": len(before), "replaced": len(replaced), "left": left}))
"""


def test_uninstrument_puts_back_the_very_objects(tmp_path: Path) -> None:
    done = run_program(tmp_path, RESTORED, command=[sys.executable])
    assert done.returncode == 0, done.stderr[-3000:]
    once, twice = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert once == twice
    assert once["left"] == []
    assert once["replaced"] >= 8


AGAIN = """
import asyncio, json, os
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
from tests.component.calls.recorded import Recorded
recorded = Recorded()
recorded.start()
import litellm
from litellm import Router, acompletion

router = Router([{"model_name": "m", "litellm_params": {"model": "openai/gpt-4o", "api_key": "k",
                                                       "mock_response": "Hi"}}])
async def calls():
    given = {"messages": [{"role": "user", "content": "x"}]}
    await acompletion("openai/gpt-4o", mock_response="Hi", **given)
    async for _ in await acompletion("openai/gpt-4o", mock_response="Hi", stream=True, **given): pass
    await router.acompletion("m", **given)

def facts():
    spans = sorted(span.name for span in recorded.spans())
    return [spans, sum(recorded.increments("litellm.requests").values())]

found = []
for on in (True, False, True, False, True):
    if on and found:
        recorded.start()
    asyncio.run(calls())
    found.append(facts())
    recorded.clear()
    if on:
        recorded.stop()
print(json.dumps(found))
"""


def test_instrumented_again_it_counts_once(tmp_path: Path) -> None:
    done = run_program(tmp_path, AGAIN, command=[sys.executable], PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr[-3000:]
    on = [["chat gpt-4o", "chat gpt-4o", "chat gpt-4o", "route m"], 3]
    assert json.loads(done.stdout.splitlines()[-1]) == [on, [[], 0], on, [[], 0], on]
