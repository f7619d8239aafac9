from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.otlp_sink import Sink
from tests.component.proxy_process import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sink() -> Iterator[Sink]:
    started = Sink().start()
    yield started
    started.stop()


@pytest.fixture
def provider() -> Iterator[Provider]:
    started = Provider()
    yield started
    started.shutdown()
    started.server_close()
