"""The guardrails of `metrics_files/guards.py`, as ``guardrails`` of the proxy's configuration."""

from __future__ import annotations

from typing import Any


def registered() -> list[dict[str, Any]]:
    """All of them; which of them watch a request, it says itself."""
    modes = {"Watches": "pre_call", "Refuses": "pre_call", "Breaks": "during_call"}
    return [
        {
            "guardrail_name": name.lower(),
            "litellm_params": {"guardrail": f"guards.{name}", "mode": mode},
        }
        for name, mode in modes.items()
    ]
