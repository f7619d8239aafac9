"""How a provider left a session over a websocket is told also when LiteLLM gives its side up."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from litellm_otel.hooks.websockets import Providers
from litellm_otel.model import Outcome, Request
from litellm_otel.recorder import Recorder

WENT_ON, ABNORMAL, IN_ORDER = None, 1006, 1000


@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize(
    ("code", "ending"), [(WENT_ON, ""), (ABNORMAL, Outcome.ERROR), (IN_ORDER, "")]
)
def test_provider_that_left(code: int | None, ending: str, cancelled: bool) -> None:
    async def forward() -> str:
        if cancelled:
            raise asyncio.CancelledError
        return "result"

    emitter: Any = Mock()
    recorder = Recorder(emitter)
    streaming = SimpleNamespace(backend_ws=SimpleNamespace(close_code=code, close_reason=""))
    request = Request(proxied=True)
    token = recorder.start_request(request)
    try:
        answer: Any = Providers(recorder).backend_to_client(forward, streaming, (), {})
        if cancelled:
            with pytest.raises(asyncio.CancelledError):
                asyncio.run(answer)
        else:
            assert asyncio.run(answer) == "result"
    finally:
        recorder.leave_request(token)

    assert request.ending == ending
    assert (request.failure is not None) == bool(ending)
