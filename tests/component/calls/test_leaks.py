"""20,000 calls with every ending mixed in leave nothing open, and nothing of ours grows."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.component.proxy_process import environment

ROOT = Path(__file__).parents[3]
PROCESSES = 2
CALLS = 20_000 // PROCESSES
SECONDS = 900
NOTHING = (
    *("open spans", "in flight", "open streams", "open calls", "inner calls"),
    *("awaiting", "emitter's queue"),
)
FEW = 64
"""Objects of a kind that may be there: LiteLLM's idle threads hold on to the context of their last call."""
MUCH = 1_000_000
"""Bytes of ours and OpenTelemetry's that some hundred calls may leave behind: caches that fill once."""


def program(folder: Path, number: int) -> dict[str, Any]:
    log = folder / f"{number}.log"
    with log.open("w") as errors:
        done = subprocess.run(
            [sys.executable, "-m", "tests.component.calls.leak_program", str(CALLS)],
            env=environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0, log.read_text()[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("leaks")
    with ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(lambda number: program(folder, number), range(PROCESSES)))


@pytest.mark.timeout(SECONDS + 60)
def test_every_call_is_counted(facts: list[dict[str, Any]]) -> None:
    for each in facts:
        assert sum(each["statuses"].values()) == each["calls"] >= CALLS
        assert all(each["statuses"][status] for status in ("success", "error", "cancelled"))


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_is_left_open(facts: list[dict[str, Any]], what: str) -> None:
    assert [quarter[what] for each in facts for quarter in each["quarters"]] == [0] * (
        4 * PROCESSES
    )


def test_little_is_deferred(facts: list[dict[str, Any]]) -> None:
    # What looks after idle streams runs for ever.
    assert max(quarter["deferred"] for each in facts for quarter in each["quarters"]) <= 2


def test_nothing_of_ours_grows(facts: list[dict[str, Any]]) -> None:
    for each in facts:
        first, last = each["quarters"][0], each["quarters"][-1]
        grown = {
            kind: (first["objects"][kind], count)
            for kind, count in last["objects"].items()
            if count > max(FEW, first["objects"][kind])
        }
        assert not grown
        assert last["memory"] < max(MUCH, first["memory"])


def test_no_thread_and_no_task_more(facts: list[dict[str, Any]]) -> None:
    for each in facts:
        first, last = each["quarters"][0], each["quarters"][-1]
        ours = [name for name in last["threads"] if name.startswith("litellm-otel")]
        assert ours == ["litellm-otel-deferred"]
        assert last["tasks"] <= first["tasks"] + 8
