"""Records → spans, metrics and logs. Knows OpenTelemetry, and nothing of LiteLLM."""

from litellm_otel.emit.telemetry import Telemetry

__all__ = ["Telemetry"]
