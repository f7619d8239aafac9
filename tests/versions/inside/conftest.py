"""Run by pytest inside an environment: LiteLLM as it is there, instrumented, against the stand-in."""

from tests.component.calls.conftest import instrumented, provider, recorded

__all__ = ["instrumented", "provider", "recorded"]
