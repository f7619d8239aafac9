"""OpenTelemetry configurator: has the SDK started, in those processes that need it."""

from __future__ import annotations

from typing import Any

from litellm_otel import settings
from litellm_otel.process import is_helper


class LiteLLMOtelConfigurator:
    """What ``opentelemetry-instrument`` asks to set up providers; costs nothing until it has to."""

    def configure(self, **kwargs: Any) -> None:
        """Prepare the start of the SDK and the seams at which telemetry is flushed."""
        if is_helper() or settings.current().disabled:
            return
        from litellm_otel import sdk, servers

        servers.install()
        sdk.start_when_needed(**kwargs)
