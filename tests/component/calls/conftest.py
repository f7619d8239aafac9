"""Real LiteLLM in this process, instrumented, against the provider stand-in."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from stack.standins.provider import Provider
from tests.component.calls.recorded import DEADLINE, Recorded

pytest.register_assert_rewrite("tests.component.calls.shapes")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.component.calls.case import Case


@pytest.fixture(scope="session")
def instrumented() -> Iterator[Recorded]:
    """Instruments once: LiteLLM's decorator is in force from the first import on."""
    assert "litellm" not in sys.modules, "LiteLLM was imported before it could be instrumented"
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    recorded = Recorded()
    recorded.start()
    import litellm

    litellm.suppress_debug_info = True
    yield recorded
    recorded.stop()


@pytest.fixture
def recorded(instrumented: Recorded) -> Iterator[Recorded]:
    """What a test's calls emit; in every test its names and types are the conventions' or our own."""
    instrumented.clear()
    yield instrumented
    assert not instrumented.misfits()


@pytest.fixture
def account_awaited(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM tells of a stream's cost behind it: late, where it first imports what it needs for that."""
    if case.costs:
        monkeypatch.setattr("litellm_otel.recorder.COMPLETED_STREAM_GRACE", DEADLINE)


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with Provider() as started:
        yield started
