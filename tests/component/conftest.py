from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.component.otlp_sink import Sink
from tests.component.proxy_process import Provider

# As our distro sets it. OpenTelemetry reads it once in a process, for whichever test comes first.
os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http"

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sink() -> Iterator[Sink]:
    started = Sink().start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def short_tmp() -> Iterator[Path]:
    """A folder for temporary files; sockets can have their names in it, which are limited to 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="meet-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def provider() -> Iterator[Provider]:
    started = Provider()
    yield started
    started.shutdown()
    started.server_close()
