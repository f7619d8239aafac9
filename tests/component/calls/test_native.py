"""Calls that LiteLLM's native library makes are recorded as those its Python makes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.proxy_process import environment

if TYPE_CHECKING:
    from stack.standins.provider import Provider


@pytest.mark.parametrize("native", [True, False], ids=["native", "python"])
def test_anthropic_messages(provider: Provider, native: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.component.calls.native", provider.url],
        env=environment(**({"LITELLM_RUST": "1"} if native else {})),
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    facts: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    whole, streamed, failed = facts
    for fact, status in ((whole, "success"), (streamed, "success"), (failed, "error")):
        (span,) = fact["spans"]
        assert span["name"].startswith("chat claude-sonnet-4-5")
        assert span["kind"] == "CLIENT"
        assert span["litellm.call.type"] == "anthropic_messages"
        assert span["litellm.call.id"]
        ((labels, count),) = fact["counts"]
        assert (labels["status"], labels["provider"], count) == (status, "anthropic", 1)
        assert fact["records"] == 1
    for fact in (whole, streamed):
        (span,) = fact["spans"]
        assert span["gen_ai.usage.output_tokens"] == 5
        assert span["litellm.cost"] > 0
    assert failed["spans"][0]["error.type"] == "InternalServerError"
    assert ("rust_bridge" in streamed["answered"]) is native
