"""Run by pytest inside an environment: LiteLLM as it is there, instrumented, against the stand-in."""

from tests.component.calls.conftest import account_awaited, instrumented, provider, recorded

__all__ = ["account_awaited", "instrumented", "provider", "recorded"]
