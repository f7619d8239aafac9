"""OpenTelemetry traces, metrics and logs for LiteLLM, with no code change."""

__version__ = "0.1.0"
