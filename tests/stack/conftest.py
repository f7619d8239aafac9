"""The real backends, started once for all stack tests, and proxies that send to them.

Each proxy has a service name of its own, so that tests don't see each other's telemetry.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from stack.arrivals import Arrivals
from stack.components import Server
from stack.gateway import Gateway
from stack.paths import RunDirectory
from stack.running import Running
from stack.site import Backends, proxy_for, start_backends
from stack.watched import Watched

_numbers = itertools.count(1)
LONGEST = 600
"""Seconds that a test may take that does not say so: what it starts takes its time on a busy machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker(
            "timeout"
        ):
            item.add_marker(pytest.mark.timeout(LONGEST))


@pytest.fixture(scope="session")
def run() -> Iterator[RunDirectory]:
    directory = RunDirectory("tests")
    yield directory
    directory.release()


@pytest.fixture
def own_run(request: pytest.FixtureRequest) -> Iterator[RunDirectory]:
    """A folder of this test's own, for parts that no other test shares."""
    directory = RunDirectory(f"own-{request.node.originalname}")
    yield directory
    directory.release()


@pytest.fixture(scope="session")
def backends(run: RunDirectory) -> Iterator[Backends]:
    if shutil.which("go") is None:
        pytest.skip("needs Go to build the collector, Prometheus, Alertmanager and Loki")
    with Running() as running:
        started = start_backends(running, run, with_loki=True)
        running.await_ready()
        yield started


StartProxy = Callable[..., Watched]


@pytest.fixture
def start_proxy(backends: Backends, run: RunDirectory) -> Iterator[StartProxy]:
    """Starts a proxy that is ended with the test."""
    with ExitStack() as ending:

        def start(
            *,
            server: Server = Server.UVICORN,
            workers: int = 1,
            env: Mapping[str, str] | None = None,
            gateway: Gateway | None = None,
        ) -> Watched:
            return _started(ending, backends, run, server, workers, env or {}, gateway)

        yield start


@pytest.fixture(scope="session")
def shared(backends: Backends, run: RunDirectory) -> Iterator[Watched]:
    """One proxy for the tests that look at single traces."""
    with ExitStack() as ending:
        yield _started(ending, backends, run, Server.UVICORN, 1, {}, None)


def _started(
    ending: ExitStack,
    backends: Backends,
    run: RunDirectory,
    server: Server,
    workers: int,
    env: Mapping[str, str],
    gateway: Gateway | None,
) -> Watched:
    service = f"litellm-{next(_numbers)}"
    proxy = proxy_for(
        backends,
        run,
        server=server,
        workers=workers,
        env={"OTEL_SERVICE_NAME": service, **env},
        name=service,
        gateway=gateway,
    )
    ending.enter_context(proxy)
    return Watched(proxy, Arrivals(backends, service))
