"""The demo, as a user starts it, ends with exit code 0 and a report that says the same."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys

import jsonschema
import psutil
import pytest

from stack.demo.report import PATH, SCHEMA
from stack.paths import ROOT
from stack.waiting import until

pytestmark = pytest.mark.skipif(
    shutil.which("go") is None, reason="needs Go to build the collector and the backends"
)


@pytest.fixture
def no_report() -> None:
    PATH.unlink(missing_ok=True)


def demo(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "stack", "demo", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.usefixtures("no_report")
def test_once() -> None:
    process = demo("--once")
    try:
        output, _ = process.communicate(timeout=500)
    finally:
        process.kill()
    assert process.returncode == 0, output
    report = json.loads(PATH.read_text())
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    assert report["ok"]
    assert all(check["ok"] for check in report["checks"])
    assert [(page["to"], page["state"]) for page in report["pages"]] == [
        ("pagerduty", "firing"),
        ("pagerduty", "resolved"),
        ("slack", "firing"),
        ("slack", "resolved"),
    ]
    assert [span["kind"] for span in report["trace"]] == ["SERVER", "INTERNAL"] + 6 * ["CLIENT"]
    for text in ("requests sent", "PagerDuty", "trace ", "chat gpt-4o-mini"):
        assert text in output


def components(pid: int) -> list[psutil.Process]:
    """The children that are the demo's own, not those of building something first."""
    children = psutil.Process(pid).children(recursive=True)
    return children if {"prometheus", "alertmanager"} <= {each.name() for each in children} else []


def test_ctrl_c_while_it_starts_ends_everything() -> None:
    process = demo()
    try:
        parts = until(
            lambda: components(process.pid),
            what="the first components",
            retry_on=(psutil.NoSuchProcess,),
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        _, alive = psutil.wait_procs(parts, timeout=60.0)
        assert not alive
    finally:
        process.kill()
        process.wait()
