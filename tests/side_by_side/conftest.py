from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stack.standins.provider import Provider
from tests.component.otlp_sink import Sink
from tests.environments import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Where ours is sent."""
    started = Sink().start()
    yield started
    started.stop()


@pytest.fixture
def other() -> Iterator[Sink]:
    """Where an application sends its own."""
    started = Sink().start()
    yield started
    started.stop()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as started:
        yield started


@pytest.fixture(scope="session")
def everything() -> Path:
    """The Python of an environment that has everybody else's instrumentations."""
    return environment("side-by-side")


@pytest.fixture(scope="session")
def datadog() -> Path:
    """The Python of an environment that has Datadog's tracer."""
    return environment("ddtrace")
